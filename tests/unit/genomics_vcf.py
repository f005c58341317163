"""Small VCFs for tests, written by hand."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from services.genomics.domain import GeneCall
from services.genomics.pgx.calling import call_gene
from services.genomics.pgx.tables import Gene, load_tables
from services.genomics.vcf.reader import read_vcf

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "patient" / "genome.vcf"
META = ["##fileformat=VCFv4.2", "##reference=GRCh38"]


def vcf(*lines: str, meta: list[str] = META, samples: str = "one") -> bytes:
    """A VCF of these data lines; blanks stand for tabs."""
    columns = f"#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT {samples}".rstrip()
    return (
        "\n".join([*meta, *("\t".join(line.split()) for line in (columns, *lines))]) + "\n"
    ).encode()


@cache
def gene(name: str) -> Gene:
    return load_tables().gene(name)


def call(
    name: str,
    genotypes: Mapping[str, str],
    missing: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
) -> GeneCall:
    """The gene's call where every site is 0/0 save these (`10-94781859-G-A` -> `0/1`); `missing`
    sites have no line, `extra` lines are added.
    """
    lines = [line for site in sorted(gene(name).sites) if (line := _line(site, genotypes, missing))]
    found = call_gene(
        load_tables(), gene(name), read_vcf(vcf(*lines, *extra), load_tables()).records
    )
    assert found is not None
    return found


def _line(
    site: tuple[str, int, str, str], genotypes: Mapping[str, str], missing: tuple[str, ...]
) -> str | None:
    name = "-".join(map(str, site))
    chromosome, position, ref, alt = site
    return (
        None
        if name in missing
        else f"chr{chromosome} {position} . {ref} {alt} . PASS . GT {genotypes.get(name, '0/0')}"
    )
