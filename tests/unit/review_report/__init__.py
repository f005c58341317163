"""Review: the signed report on paper."""
