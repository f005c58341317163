"""How urgent a result is."""
