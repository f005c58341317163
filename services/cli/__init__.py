"""The console script `careloop`."""
