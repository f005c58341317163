"""What the worklist's index keeps: entries, patients, tables and queries."""
