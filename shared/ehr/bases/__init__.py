"""The base URLs that are this EHR, so that no other system's resource is taken for its own."""
