"""What the genes of a patient say about the drugs that the patient has (pure)."""
