"""From the bytes of a clinical note to its text, the same for every reader."""
