"""Times of resources: what is stated, in the precision in which it is stated."""
