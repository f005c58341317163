"""A real HAPI FHIR for tests and benchmarks."""
