"""The guards of a patient's data: consent, the audit trail, the access log."""
