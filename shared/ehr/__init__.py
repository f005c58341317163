"""The EHR over HTTP: the FHIR client, SMART tokens and scopes, attachments."""
