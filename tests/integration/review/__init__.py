"""The review pages over HTTP on a real EHR: who gets in, what is refused, and that no page shows
another patient's data.
"""
