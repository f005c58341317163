"""The signed report on paper: what stands on it, and the PDF."""
