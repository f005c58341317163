"""The pages in a real browser on a real EHR: what a clinician decides there is read back from the
EHR.
"""
