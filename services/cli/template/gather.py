"""From an event to Inputs, through the EHR client that is given."""

from typing import TYPE_CHECKING

from services.cli.template.codes import TOKEN
from services.cli.template.domain import Inputs
from shared.errors import NoPatient, NotAnalysed, Withdrawn
from shared.events import ResourceEvent
from shared.fhir.times.clinical import clinical_time
from shared.references import is_a, subject_of, version_of, why_nobody

if TYPE_CHECKING:
    from shared.ehr.client import Ehr
    from shared.settings import Settings

GONE = ("entered-in-error", "cancelled")


def accepts(event: ResourceEvent) -> bool:
    """Accept an Observation of our code that careloop did not write.

    A delete carries no codes.
    """
    if event.type != "Observation" or event.answer_of is not None:
        return False
    return event.action == "delete" or TOKEN in event.codes


def gather(event: ResourceEvent, ehr: "Ehr", _settings: "Settings") -> Inputs | None:
    """Read the Observation as it is now.

    Raises:
        Withdrawn: it is gone, cancelled or entered in error.
        NotAnalysed: it names no patient, or has no value that is read here.
    """
    observation = ehr.read(event.focus)
    if observation is None or observation.get("status") in GONE:
        raise Withdrawn(event.focus)

    subject = subject_of(observation)
    if subject is None or not is_a(subject, "Patient"):
        raise NoPatient(why_nobody(subject, "The Observation names no patient."))

    text = observation.get("valueString", "")
    if not text:
        raise NotAnalysed("The Observation has no value as text (valueString).")
    sources = {event.focus: version_of(observation)}
    return Inputs(subject, text, sources, clinical_time(observation))
