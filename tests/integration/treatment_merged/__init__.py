"""The plan of a patient whose records were merged."""
