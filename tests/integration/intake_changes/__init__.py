"""What else may change beneath intake: whose a resource is, the patient, a consent, the event log
itself; and EHRs that answer oddly.
"""
