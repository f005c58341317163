"""Imaging: chest films (CR, DX) -> suspicion of pneumonia.

Its answer is about the ImagingStudy.
"""

from typing import TYPE_CHECKING

from services.imaging.analyze import analyze
from services.imaging.codes import RADIOGRAPHY
from services.imaging.resources import resources
from shared.events import ResourceEvent
from shared.panel import Panel
from shared.service import Service, only_card, only_model
from shared.settings import Settings

if TYPE_CHECKING:
    from services.imaging.domain import Inputs
    from services.imaging.model import ChestModel
    from shared.ehr.client import Ehr


def accepts(event: ResourceEvent) -> bool:
    """An ImagingStudy with a radiograph.

    Whatever its status (gather tells what is withdrawn); or one that was deleted, which carries no
    codes.
    """
    if event.type != "ImagingStudy" or event.answer_of is not None:
        return False
    return event.action == "delete" or bool(RADIOGRAPHY & set(event.codes))


def gather(event: ResourceEvent, ehr: "Ehr", settings: Settings) -> "Inputs | None":
    """Read the study's films.

    Pydicom is imported here, so that every process can import this.
    """
    from services.imaging.gather import gather as gather_films

    return gather_films(event, ehr, settings)


def load(settings: Settings) -> "ChestModel":
    """The model of the settings; torch is imported here.

    Raises:
        Misconfigured: its folder is not what it should be.
    """
    from services.imaging.model import load as load_model

    return load_model(settings)


SERVICE = Service(
    name="imaging",
    title="Imaging: chest films",
    triggers=frozenset({"ImagingStudy"}),
    example="ImagingStudy",
    panel=Panel(
        title="Imaging report",
        input="film",
        categories=frozenset({"RAD", "LP29684-5"}),
        parts=("alerts", "film", "findings"),
    ),
    accepts=accepts,
    gather=gather,
    load=load,
    cards=only_card,
    models_for=only_model,
    analyze=analyze,
    resources=resources,
    reads=frozenset({"ImagingStudy", "Endpoint", "Patient"}),
    writes=frozenset({"DiagnosticReport", "Observation", "Media"}),
)
