"""What a run shows: bars, tables, a JSON document, the docs."""
