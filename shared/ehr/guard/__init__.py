"""The guards of a single result at an EHR, and the heads of an answer."""
