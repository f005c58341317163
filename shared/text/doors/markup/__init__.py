"""HTML and the narrative of C-CDA documents."""
