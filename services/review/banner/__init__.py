"""The banner of a result: whose it is, what endangers her, and of when it is."""
