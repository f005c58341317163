"""What a result's page asks of the EHR, round by round."""
