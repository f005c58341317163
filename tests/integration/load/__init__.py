"""`careloop load` on EHRs of both habits and on a real one: what stands in the record afterwards,
and what is said when something is wrong.
"""
