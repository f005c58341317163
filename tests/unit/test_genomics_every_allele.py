"""Every pair of named alleles of every star gene: written as genotypes and called again."""

from itertools import combinations_with_replacement

import pytest

from services.genomics.domain import Record, Site
from services.genomics.pgx.calling import call_gene
from services.genomics.pgx.tables import Gene, load_tables
from tests.unit.genomics_vcf import gene

STAR = [g.name for g in load_tables().genes if g.method == "star"]
EVERY = 7  # of the pairs of a gene with many; all pairs of a small one


def carried(rules: Gene, allele: str) -> frozenset[Site]:
    """The sites of an allele; of CYP2C19 all but *38 carry the background variant."""
    background = {rules.background} if rules.background and allele != rules.without else set()
    return rules.alleles.get(allele, frozenset()) | background


def records(rules: Gene, first: str, second: str, *, phased: bool) -> list[Record]:
    sides = [carried(rules, first), carried(rules, second)]
    return [
        Record(
            site.chromosome,
            site.position,
            site.position + len(site.ref) - 1,
            site.ref,
            (site.alt,),
            tuple(int(site in side) for side in sides),
            phased,
        )
        for site in sorted(rules.sites)
    ]


def pairs(rules: Gene) -> list[tuple[str, str]]:
    names = [rules.reference, *([rules.without] if rules.without else []), *rules.alleles]
    every = list(combinations_with_replacement(names, 2))
    return every if len(every) < 600 else every[::EVERY]


@pytest.mark.parametrize("name", STAR)
def test_a_phased_pair_is_called_alone(name: str) -> None:
    rules = gene(name)
    for pair in pairs(rules):
        call = call_gene(load_tables(), rules, records(rules, *pair, phased=True))
        assert call is not None
        assert call.diplotype is not None, pair
        assert sorted(call.diplotype.split("/")) == sorted(pair)


@pytest.mark.parametrize("name", STAR)
def test_an_unphased_pair_is_among_the_candidates(name: str) -> None:
    rules = gene(name)
    for pair in pairs(rules):
        call = call_gene(load_tables(), rules, records(rules, *pair, phased=False))
        assert call is not None
        dropped = {tuple(sorted(over.split("/"))) for over in rules.prefer}
        assert (
            tuple(sorted(pair)) in {tuple(sorted(d.split("/"))) for d in call.diplotypes} | dropped
        ), pair


@pytest.mark.parametrize("name", ["DPYD"])
def test_dpyd_alleles_alone_and_twice(name: str) -> None:
    rules = gene(name)
    for allele in rules.alleles:
        for pair in ((rules.reference, allele), (allele, allele)):
            call = call_gene(load_tables(), rules, records(rules, *pair, phased=False))
            assert call is not None
            assert call.diplotype == "/".join(pair)
            assert sum(rules.scores[a] or 0 for a in pair) == call.phenotype.score
