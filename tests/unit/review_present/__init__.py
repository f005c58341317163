"""FHIR elements in words: what is missing reads as missing, what is dangerous reads as text."""
