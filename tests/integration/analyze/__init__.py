"""`POST /analyze` on EHRs of both habits and on a real one: shows, writes nothing, reads with its
caller's rights, and is right about what it shows.
"""
