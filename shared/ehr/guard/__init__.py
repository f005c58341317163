"""What keeps a result single at an EHR: its guards, their proof, and the heads of an answer."""
