"""The chest film service from the event to the drafts, on a real film and on edited ones."""
