"""The exchange of a drug: a new order and the end of the old ones."""
