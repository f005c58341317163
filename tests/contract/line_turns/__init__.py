"""The straight line when things turn under it: corrected subjects, parts decided one by one,
revisions that come back.
"""
