"""What intake remembers of versions and foci, as tables and words."""
