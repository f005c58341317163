"""What changed at the EHR, however it lets itself be asked."""
