"""`careloop load`: one patient's files into the EHR and the PACS."""
