"""Intake against EHRs of both habits: nothing that the EHR told, or would have told while we were
down, is missed.
"""
