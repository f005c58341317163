"""A clinician's decision: what is kept, dropped and chosen, as one transaction."""
