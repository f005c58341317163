"""The arms of the comparison, on events that were prepared beforehand."""
