"""Interactions, duplicates, allergies, laboratory limits, contraindications (pure)."""
