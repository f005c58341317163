"""FHIR R4 without I/O: builders, codes, the life cycle, the check."""
