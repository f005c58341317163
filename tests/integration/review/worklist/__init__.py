"""The worklist over HTTP: filters, pages, claims, its changes, and what it costs the EHR."""
