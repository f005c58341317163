"""The EHR over FHIR REST: client, authentication, attachments."""
