"""HTTP to the EHR: connections, responses, and the meaning of a status."""
