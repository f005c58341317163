"""A patient's genes and the patient's drugs (pure)."""
