"""shared.fhir.check: what R4 allows passes, and each mutant of it is refused with its place and
without its values.
"""
