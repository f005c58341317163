"""Genomics: a VCF in, star alleles, phenotypes and CPIC recommendations out."""

from collections.abc import Sequence

from services.genomics.analyze import analyze
from services.genomics.domain import Inputs
from services.genomics.gather import accepts, gather
from services.genomics.model import PgxModel, load
from services.genomics.resources import resources
from shared.service import ModelCard, Service


def speakers(_inputs: Inputs, model: PgxModel) -> Sequence[ModelCard]:
    """The rule set speaks on every VCF."""
    return (model.card,)


SERVICE = Service(
    name="genomics",
    title="Genomics: pharmacogenes from a VCF",
    accepts=accepts,
    gather=gather,
    load=load,
    cards=lambda model: (model.card,),
    speakers=speakers,
    analyze=analyze,
    resources=resources,
    reads=frozenset({"DocumentReference", "Binary"}),
    writes=frozenset({"DiagnosticReport", "Observation"}),
)
