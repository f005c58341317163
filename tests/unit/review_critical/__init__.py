"""Review: critical results."""
