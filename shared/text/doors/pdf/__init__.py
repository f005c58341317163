"""The text layer of a PDF."""
