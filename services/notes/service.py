"""The notes service: problems and drugs in clinical notes.

What is negated, the family's, or past does not count.
"""

from typing import TYPE_CHECKING, Any

from services.notes.analyze import analyze
from services.notes.gather import accepts, gather
from services.notes.resources import resources
from shared.panel import Panel
from shared.service import Service, only_card, only_model

if TYPE_CHECKING:
    from shared.settings import Settings


def load(settings: "Settings") -> Any:
    """The model; its libraries are imported here and no earlier."""
    from services.notes.model import load as load_model

    return load_model(settings)


SERVICE = Service(
    name="notes",
    title="Notes: problems and drugs",
    triggers=frozenset({"DocumentReference"}),
    example="DocumentReference",
    panel=Panel(
        title="Clinical note findings",
        findings="Drugs in the note",
        input="note",
        categories=frozenset({"LAB", "SP", "OTH"}),
        parts=("alerts", "problems", "findings", "notes"),
    ),
    accepts=accepts,
    gather=gather,
    load=load,
    cards=only_card,
    models_for=only_model,
    analyze=analyze,
    # notes are read one by one anyway; the longest takes over a minute, and none should wait for
    # seven others to be given out
    max_batch=1,
    resources=resources,
    reads=frozenset({"DocumentReference", "Binary"}),
    writes=frozenset({"DiagnosticReport", "Observation", "Condition"}),
)
