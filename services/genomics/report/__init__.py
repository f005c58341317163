"""The words, codes and parts of the pharmacogenomic report."""
