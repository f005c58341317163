"""Genomics: a VCF in, star alleles, phenotypes and CPIC recommendations out."""

from services.genomics.analyze import analyze
from services.genomics.gather import accepts, gather
from services.genomics.model import load
from services.genomics.resources import resources
from shared.panel import Panel
from shared.service import Service, only_card, only_model

SERVICE = Service(
    name="genomics",
    title="Genomics: pharmacogenes from a VCF",
    triggers=frozenset({"DocumentReference"}),
    example="DocumentReference",
    panel=Panel(
        title="Pharmacogenomics report",
        input="genome",
        categories=frozenset({"GE"}),
        parts=("alerts", "advice", "genes", "variants"),
    ),
    accepts=accepts,
    gather=gather,
    load=load,
    cards=only_card,
    models_for=only_model,
    analyze=analyze,
    resources=resources,
    reads=frozenset({"DocumentReference", "Binary"}),
    may_read=frozenset({"Specimen"}),
    writes=frozenset({"DiagnosticReport", "Observation"}),
)
