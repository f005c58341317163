"""The service that the benchmark runs: it counts the words of a note.

Its model takes as long as the note's first word says.

Parse, validation, write and guards are those of every service; only the model is a stand-in: it
sleeps, which releases the interpreter's lock as a GPU does, for the sum of what its inputs ask for,
so that batching earns nothing.
"""

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.answers import digest
from shared.ehr.client import Ehr
from shared.errors import InvalidInput, Withdrawn
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from shared.references import version_of
from shared.service import ModelCard, Service
from shared.settings import Settings

CARD: Final = ModelCard(
    "word-count",
    "word count",
    "1.0.0",
    "sha256:" + digest("word-count 1.0.0"),
    "# Word count\nCounts words, for benchmarks.",
)


@dataclass(frozen=True)
class Inputs:
    """A note.

    Attributes:
        model_sec: how long the model takes for it.
    """

    subject: str
    text: str
    model_sec: float
    sources: Mapping[str, str]
    effective: str | None = None

    @property
    def content(self) -> str:
        """The digest of what is analysed."""
        return digest(self.text)


def accepts(event: ResourceEvent) -> bool:
    """Notes in plain text."""
    return event.type == "DocumentReference" and "text/plain" in event.content_types


# the shape of every gather
def gather(event: ResourceEvent, ehr: Ehr, settings: Settings) -> Inputs:  # noqa: ARG001
    """The note as it stands."""
    resource = ehr.read(event.focus)
    if resource is None or resource["status"] != "current":
        raise Withdrawn(event.focus)
    text = base64.b64decode(resource["content"][0]["attachment"]["data"]).decode()
    model_ms, _, words = text.partition(" ")
    if not model_ms.isdigit() or not words:
        raise InvalidInput("The note does not begin with the milliseconds of the model.")
    return Inputs(
        resource["subject"]["reference"],
        text,
        int(model_ms) / 1000,
        {event.focus: version_of(resource)},
    )


def analyze(batch: Sequence[Inputs], _: None = None) -> list[int]:
    """The number of words of each."""
    if (total := sum(inputs.model_sec for inputs in batch)) > 0:
        time.sleep(total)
    return [len(inputs.text.split()) for inputs in batch]


def resources(inputs: Inputs, words: int, pen: Pen) -> list[Draft]:
    """An Observation and the DiagnosticReport that shows it."""
    read_from = [codes.reference(r) for r in inputs.sources]
    count = pen.draft(
        "Observation",
        "words",
        code={"text": "word count"},
        valueQuantity=codes.quantity(words, "{words}"),
        derivedFrom=read_from,
    )
    code = codes.concept(codes.LOINC, "34117-2")
    return [
        count,
        pen.draft(
            "DiagnosticReport", "report", code=code, result=[count.ref], conclusion=f"{words} words"
        ),
    ]


WORDS: Final = Service(
    name="words",
    title="Word count",
    triggers=frozenset({"DocumentReference"}),
    accepts=accepts,
    gather=gather,
    load=lambda _: None,
    cards=lambda _: [CARD],
    models_for=lambda *_: [CARD],
    analyze=analyze,
    resources=resources,
    reads=frozenset({"DocumentReference"}),
    writes=frozenset({"DiagnosticReport", "Observation"}),
)


def note(patient: str, number: int, model_ms: int) -> Json:
    """A DocumentReference of about 2 kB whose analysis takes the model `model_ms`.

    The number makes it unlike all others.
    """
    text = (
        f"{model_ms} note {number}: "
        + "no acute distress, lungs clear, follow up as planned. " * 25
    )
    attachment = {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": codes.concept(codes.LOINC, "34117-2"),
        "subject": codes.reference(patient),
        "content": [{"attachment": attachment}],
    }
