"""Interactions, duplicates, allergies, limits, contraindications (pure)."""
