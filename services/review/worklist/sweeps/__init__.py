"""Bringing the index up to date: following what changes, or building it all."""
