"""EHR -> event log: notifications are a hint, the sweep is the promise."""
