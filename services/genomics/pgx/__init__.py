"""Pharmacogenes: rule tables, evidence, diplotypes, recommendations.

To add a gene: an entry in `data/genes.toml` (name, chromosome, method, essential alleles) and, on a
chromosome that has none yet, its accession in `report/codes.py`; its alleles and phenotypes must
stand in the tables of `data/pypgx`. A recommendation that they lack
goes into `data/recommendations.toml`. Then `python -m services.genomics.evaluate`.
"""
