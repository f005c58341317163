"""What the clinician's pages ask of the EHR, and how long they take."""
