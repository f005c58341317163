"""Kills at random while inputs are loaded, then a reckoning: is anything lost or doubled?"""
