"""The straight line against three EHRs: what stands in the record after each story."""
