"""FHIR resources read into the rules' values (pure)."""
