"""What intake keeps, and for how long; a file of a former version; a disk that is full."""
