"""Template: a whole service in one declaration."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.cli.template.analyze import analyze
from services.cli.template.gather import accepts, gather
from services.cli.template.model import load
from services.cli.template.resources import resources
from shared.json import Json
from shared.panel import Panel, Row, Section
from shared.service import Service, only_card, only_model


def sections(outputs: Mapping[str, Json]) -> Sequence[Section]:
    """Show what was counted in a table of its own on the review page."""
    rows = [
        Row((str(r["valueQuantity"]["value"]),), status=r.get("status"))
        for r in outputs.values()
        if r["resourceType"] == "Observation" and "valueQuantity" in r
    ]
    if not rows:
        return []
    title = "What the template counted"
    return [Section(title, ("Words",), rows)]


SERVICE = Service(
    name="template",
    title="Template: an example",
    triggers=frozenset({"Observation"}),
    accepts=accepts,
    gather=gather,
    load=load,
    cards=only_card,
    models_for=only_model,
    analyze=analyze,
    resources=resources,
    reads=frozenset({"Observation"}),
    writes=frozenset({"DiagnosticReport", "Observation"}),
    example="Observation",
    example_files=Path(__file__).parent / "example",
    panel=Panel(
        title="Template report",
        input="observation",
        sections=sections,
    ),
)
