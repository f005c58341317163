"""SMART Backend Services: against the real sekmet with authorisation on, and against a small token
server that we can vex.
"""
