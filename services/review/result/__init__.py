"""One result as read from the EHR: its parts, what it rests on, its film."""
