"""The worklist: what waits, with a line on each, and dead letters."""
