"""The worklist over HTTP: the list, its changes, and who has claimed a result."""
