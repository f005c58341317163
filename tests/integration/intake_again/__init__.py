"""A patient or a consent changed: what rests on it is told again, all of it and no more, and
treatment takes its plan back.
"""
