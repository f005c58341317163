"""The plan as FHIR drafts, and its words (pure)."""
