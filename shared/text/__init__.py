"""Bytes of a clinical note to its text, the same for whoever reads it."""
