"""The FHIR client where things go wrong: retries, lost answers, foreign hosts, attachments that
lie.
"""
