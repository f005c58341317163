"""The commands of `careloop`, one module each."""
