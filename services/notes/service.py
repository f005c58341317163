"""The notes service: problems and drugs in clinical notes, with what is negated, the family's, or past set aside."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from services.notes.analyze import analyze
from services.notes.domain import Inputs
from services.notes.gather import accepts, gather
from services.notes.resources import resources
from shared.service import ModelCard, Service

if TYPE_CHECKING:
    from shared.settings import Settings


def load(settings: "Settings") -> Any:
    """The model; its libraries are imported here and no earlier."""
    from services.notes.model import load as load_model

    return load_model(settings)


def cards(model: Any) -> Sequence[ModelCard]:
    """The one reader."""
    return (model.card,)


def speakers(inputs: Inputs, model: Any) -> Sequence[ModelCard]:
    """One reader speaks on every note."""
    del inputs
    return (model.card,)


SERVICE = Service(
    name="notes",
    title="Notes: problems and drugs",
    accepts=accepts,
    gather=gather,
    load=load,
    cards=cards,
    speakers=speakers,
    analyze=analyze,
    resources=resources,
    reads=frozenset({"DocumentReference", "Binary"}),
    writes=frozenset({"DiagnosticReport", "Observation", "Condition"}),
)
