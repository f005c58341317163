"""What FHIR resources say, as values that the rules reason about (pure)."""
