"""What no record may do: make a reference of a position that it does not show, or hide a variant
behind another line.
"""
