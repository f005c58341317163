"""careloop's services: each speaks to the others only through FHIR and the event log."""
