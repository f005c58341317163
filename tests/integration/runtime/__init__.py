"""The runtime on an event log in memory and an EHR behind HTTP: every (service, event) ends in
exactly one visible outcome.
"""
