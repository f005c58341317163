"""What the tests of genomics evidence share."""

from services.genomics.domain import GeneCall
from services.genomics.pgx.calling import call_gene
from services.genomics.pgx.recommendations import implications
from services.genomics.pgx.tables import load_tables
from services.genomics.vcf.reader import read_vcf
from tests.unit.genomics_vcf import call, vcf

G = {"10-94842866-A-G": "1/1"}


S2 = ("10-94775367-A-G", "10-94781859-G-A")  # the two sites of CYP2C19*2


BEFORE = "chr10 94775367 . A G . PASS . GT 0/0"


DEL = "chr10 94700000 . N <DEL> . PASS END=94860000;SVTYPE=DEL"


def alone(name: str, *lines: str) -> GeneCall | None:
    tables = load_tables()
    return call_gene(tables, tables.gene(name), read_vcf(vcf(*lines), tables).records)


def cyp2c19(*lines: str) -> GeneCall:
    """CYP2C19 with these lines in place of the two of *2, all else called."""
    return call("CYP2C19", G, S2, lines)


def unsure(found: GeneCall) -> bool:
    """No normal phenotype, neither alone nor as a diplotype without doubt, and no drug advice that
    rests on it.
    """
    return found.phenotype.term == "Indeterminate" and not [
        i for i in implications(load_tables(), [found]) if i.drug == "clopidogrel"
    ]


COVER = {
    "an insertion of the same position": "chr10 94781859 . G GT . PASS . GT 0/0",
    "a deletion over it": "chr10 94781857 . NNN N . PASS . GT 0/0",
    "a block": "chr10 94781800 . A <NON_REF> . PASS END=94781900 GT 0/0",
    "another substitution": "chr10 94781859 . G C . PASS . GT 0/0",
    "the reference alone": "chr10 94781859 . G . . PASS . GT 0/0",
}


HET = "chr10 94781859 . G A . PASS . GT 0/1"
