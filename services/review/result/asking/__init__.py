"""What a result asks of the EHR, and how: in few rounds."""
