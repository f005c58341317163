"""The common part of train and evaluate commands."""
