"""Authorisation at the EHR: SMART Backend Services, its keys and scopes."""
