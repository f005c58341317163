"""What train and evaluate commands share."""
