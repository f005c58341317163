"""What the pages ask of the EHR ahead, in few requests."""
