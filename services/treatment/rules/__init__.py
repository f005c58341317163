"""The rule set: what the tables in `data` hold (pure)."""
