"""The base URLs of this EHR, to tell its resources from other systems'."""
