"""The arms of the comparison, on events prepared beforehand."""
