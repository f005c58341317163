"""The annotated corpora."""
