"""DocumentReferences: what they hold."""
