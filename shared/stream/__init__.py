"""The event log: its contract, and one package for each kind of it."""
