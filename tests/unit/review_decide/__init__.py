"""A decision becomes one guarded transaction: every resource at its stage, under the version that
was shown.
"""
