"""careloop's services: they meet through FHIR and the event log alone."""
