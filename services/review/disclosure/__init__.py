"""What is shown to whom: who may read a result, and the record of who read it."""
