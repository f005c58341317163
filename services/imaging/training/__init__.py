"""What train and evaluate share: films and their numbers."""
