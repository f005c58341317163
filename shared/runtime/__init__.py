"""The runtime: a service's events from the log to the EHR."""
