"""A server that runs transactions as batches, and refuses entries of them."""
