"""Critical results: within which time somebody with a name must have seen one."""
