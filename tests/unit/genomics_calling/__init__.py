"""Diplotypes from genotypes: phase, missing positions, combinations, alleles that no table holds,
and what follows for the phenotype.
"""
