"""The rule tables of the pharmacogenes.

PharmVar's alleles and CPIC's phenotypes and recommendations as pypgx carries them (copied under its
MIT License into `data/pypgx`, see `sources.toml` there), and what `data/genes.toml` and
`data/recommendations.toml` add.
"""

import csv
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from services.genomics.domain import Phenotype, Site
from services.genomics.pgx.align import normalise
from shared.answers import digest

DATA = Path(__file__).parent / "data"
PYPGX = ("allele", "variant", "diplotype", "equation", "recommendation", "cpic")
OWN = ("genes.toml", "recommendations.toml")
# pypgx marks alleles that are whole-gene or partial deletions: no VCF of small variants can call
# them
UNREAD_STRUCTURAL = "True"

Row = Mapping[str, str]


@dataclass(frozen=True)
class Gene:
    """One gene's rules.

    Attributes:
        alleles: name -> the variants that define it, in the table's order, the reference allele
            aside.
        scores: allele -> CPIC activity, None where CPIC gives none.
        bases: the reference bases around its sites, as far as the tables spell them.
        background, without, wobble: a site that tells two reference alleles apart (CYP2C19*1 and
            *38), see genes.toml.
    """

    name: str
    hgnc: str
    chromosome: str
    method: str
    reference: str
    essential: tuple[str, ...]
    alleles: Mapping[str, frozenset[Site]]
    scores: Mapping[str, float | None]
    rsids: Mapping[Site, str]
    bases: Mapping[int, str]
    optional: Mapping[str, frozenset[Site]]
    proxy: Mapping[str, Site]
    prefer: Mapping[str, str]
    names: Mapping[str, str]
    phenotypes: Mapping[str, str]
    display: Mapping[str, str]
    background: Site | None = None
    without: str = ""
    wobble: frozenset[str] = frozenset()

    @cached_property
    def sites(self) -> frozenset[Site]:
        """Every site that defines an allele, the background one too."""
        return frozenset(chain.from_iterable(self.alleles.values())) | (
            {self.background} if self.background else set()
        )

    @property
    def span(self) -> tuple[int, int]:
        """First and last position, with room for a deletion that starts before."""
        positions = [site.position for site in self.sites]
        return min(positions) - 1_000, max(positions) + 1_000

    def order(self, allele: str) -> int:
        """Where the allele stands in the table: the reference first."""
        return (
            0
            if allele in (self.reference, self.without)
            else 1 + list(self.alleles).index(allele)
            if allele in self.alleles
            else 10_000
        )


@dataclass(frozen=True)
class Guideline:
    """A drug's row in CPIC's list of gene-drug pairs."""

    rxnorm: str
    url: str
    pmid: str
    level: str


@dataclass(frozen=True)
class Tables:
    """All rules, with the digest of the bytes they were read from."""

    genes: tuple[Gene, ...]
    diplotypes: Mapping[tuple[str, str], str]
    equations: Mapping[str, tuple[tuple[str, str], ...]]
    recommendations: tuple[Row, ...]
    own: tuple[Mapping[str, Any], ...]
    remarks: Mapping[str, str]
    guidelines: Mapping[tuple[str, str], Guideline]
    min_depth: int
    min_quality: int
    digest: str
    pypgx: str

    def gene(self, name: str) -> Gene:
        """The rules of the gene; KeyError where it has none."""
        return {gene.name: gene for gene in self.genes}[name]


@cache
def load_tables() -> Tables:
    """Read every table once per process."""
    raw = {name: _pypgx(name) for name in PYPGX} | {
        name: (DATA / name).read_bytes() for name in OWN
    }
    rows = {name: tuple(csv.DictReader(io.StringIO(raw[name].decode()))) for name in PYPGX}
    rules, advice = (tomllib.loads(raw[name].decode()) for name in OWN)
    return Tables(
        genes=tuple(_gene(rule, rows) for rule in rules["gene"]),
        diplotypes={(r["Gene"], r["Diplotype"]): r["Phenotype"] for r in rows["diplotype"]},
        equations={
            g["name"]: tuple(
                (r["Phenotype"], r["Equation"]) for r in rows["equation"] if r["Gene"] == g["name"]
            )
            for g in rules["gene"]
        },
        recommendations=rows["recommendation"],
        own=tuple(advice["recommendation"]),
        remarks=advice["remarks"],
        guidelines={
            (r["Drug"], r["Gene"]): _guideline(r)
            for r in rows["cpic"]
            if r["RxNorm"] and "Final" in r["CPICLevelStatus"]
        },
        min_depth=rules["quality"]["min_depth"],
        min_quality=rules["quality"]["min_genotype_quality"],
        digest=digest(*(part for name in sorted(raw) for part in (name, raw[name]))),
        pypgx=_pypgx_version(),
    )


def _pypgx(name: str) -> bytes:
    return (DATA / "pypgx" / f"{name}-table.csv").read_bytes()


def _pypgx_version() -> str:
    sources = tomllib.loads((DATA / "pypgx" / "sources.toml").read_text(encoding="utf-8"))
    return str(sources["version"])


def _guideline(row: Row) -> Guideline:
    return Guideline(row["RxNorm"], row["Guideline"], row["PMID"].split(";")[-1], row["CPICLevel"])


def _gene(rule: Mapping[str, Any], rows: Mapping[str, tuple[Row, ...]]) -> Gene:
    name, names = rule["name"], rule.get("names", {})
    alleles = [
        r for r in rows["allele"] if r["Gene"] == name and r["SV"].capitalize() != UNREAD_STRUCTURAL
    ]
    bases = _bases(rule, [r for r in rows["variant"] if r["Gene"] == name])
    background = rule.get("background", {})
    marker = _site(background["site"], bases) if background else None
    defined = {
        r["StarAllele"]: frozenset(_site(core, bases) for core in _cores(r)) - {marker}
        for r in alleles
    }
    return Gene(
        name=name,
        hgnc=rule["hgnc"],
        chromosome=rule["chromosome"],
        method=rule["method"],
        reference=names.get("Reference", next(a["StarAllele"] for a in alleles)),
        essential=tuple(names.get(e, e) for e in rule["essential"]),
        alleles={names.get(allele, allele): sites for allele, sites in defined.items() if sites},
        scores={names.get(r["StarAllele"], r["StarAllele"]): _score(r) for r in alleles},
        rsids={
            _site(r["GRCh38Name"], bases): r["rsID"]
            for r in rows["variant"]
            if r["Gene"] == name and r["rsID"].startswith("rs")
        },
        bases=bases,
        optional={
            allele: frozenset(_site(s, bases) for s in sites)
            for allele, sites in rule.get("optional", {}).items()
        },
        proxy={allele: _site(s, bases) for allele, s in rule.get("proxy", {}).items()},
        prefer={p["over"]: p["diplotype"] for p in rule.get("prefer", [])},
        names=names,
        phenotypes=rule.get("phenotypes", {}),
        display=rule.get("display", {}),
        background=marker,
        without=background.get("without", ""),
        wobble=frozenset(background.get("wobble", [])),
    )


def _cores(row: Row) -> list[str]:
    return [] if row["GRCh38Core"] == "N/A" else row["GRCh38Core"].split(",")


def _score(row: Row) -> float | None:
    return None if row["ActivityScore"] == "N/A" else float(row["ActivityScore"])


def _site(text: str, bases: Mapping[int, str]) -> Site:
    chromosome, position, ref, alt = text.strip().split("-")
    return normalise(Site(chromosome, int(position), ref, alt), bases)


def _bases(rule: Mapping[str, Any], variants: list[Row]) -> dict[int, str]:
    """Reference bases by position.

    Of every REF in the table, and of the contexts that genes.toml spells out.
    """
    spelled = [(int(v["GRCh38Position"]), v["GRCh38Name"].split("-")[2]) for v in variants]
    spelled += [(c["start"], c["bases"]) for c in rule.get("context", [])]
    return {start + i: base for start, text in spelled for i, base in enumerate(text)}


def phenotype_of_score(tables: Tables, gene: str, score: float) -> Phenotype:
    """The phenotype that CPIC's ranges give to an activity score.

    `0 <= score < 1`, `2 == score`.
    """
    for term, equation in tables.equations[gene]:
        if _within(equation, score):
            return Phenotype(term, score)
    return Phenotype("Indeterminate", score)


def _within(equation: str, score: float) -> bool:
    words = equation.split()
    match words:
        case [low, "<=", "score", "<", high]:
            return float(low) <= score < float(high)
        case [exact, "==", "score"]:
            return float(exact) == score
    raise ValueError(f"unknown form of equation: {equation}")
