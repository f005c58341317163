"""The shipped notes model and ConText on sentences that trip readers up, and a user's own model in
their place.
"""
