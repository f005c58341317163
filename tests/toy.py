"""A fifth service, as small as one can be: it counts the words of a note.

It shows the whole shape and no analysis.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.answers import digest
from shared.ehr.client import Ehr
from shared.errors import InvalidInput, NotAnalysed, NotYet, Withdrawn
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.service import ModelCard, Service
from shared.settings import Settings


@dataclass(frozen=True)
class Inputs:
    subject: str
    text: str
    sources: Mapping[str, str]
    effective: str | None = None

    @property
    def content(self) -> str:
        return digest(self.text)


@dataclass(frozen=True)
class Findings:
    words: int


@dataclass(frozen=True)
class Model:
    version: str = "1.0.0"

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            "word-count",
            "word count",
            self.version,
            "sha256:" + digest(self.version),
            f"# Word count {self.version}\nCounts words.",
        )


def accepts(event: ResourceEvent) -> bool:
    return event.type == "DocumentReference" and (
        event.action == "delete" or "text/plain" in event.content_types
    )


def gather(event: ResourceEvent, ehr: Ehr, settings: Settings) -> Inputs | None:
    resource = ehr.read(event.focus)
    if resource is None or resource["status"] != "current":
        raise Withdrawn(event.focus)
    text = base64.b64decode(resource["content"][0]["attachment"]["data"]).decode()
    if text.startswith("not yet"):
        raise NotYet(event.focus)
    if text.startswith("broken"):
        raise InvalidInput("The note can't be read.")
    return Inputs(
        resource["subject"]["reference"], text, {event.focus: resource["meta"]["versionId"]}
    )


def analyze(batch: Sequence[Inputs], model: Model) -> list[Findings | NotAnalysed]:
    if any(i.text.startswith("crash") for i in batch):
        raise MemoryError("the model broke")
    return [
        NotAnalysed("The note is empty.") if not i.text.strip() else Findings(len(i.text.split()))
        for i in batch
    ]


def resources(inputs: Inputs, findings: Findings, pen: Pen) -> list[Draft]:
    count = pen.draft(
        "Observation",
        "words",
        code={"text": "word count"},
        valueQuantity=codes.quantity(findings.words, "{words}"),
        derivedFrom=[codes.reference(r) for r in inputs.sources],
    )
    extra = (
        [pen.draft("Observation", "long", code={"text": "a long note"}, valueBoolean=True)]
        if findings.words > 5
        else []
    )
    report = pen.draft(
        "DiagnosticReport",
        "report",
        code=codes.concept(codes.LOINC, "34117-2"),
        result=[d.ref for d in (count, *extra)],
        conclusion=f"{findings.words} words",
    )
    return [count, *extra, report]


TOY = Service(
    name="toy",
    title="Word count",
    triggers=frozenset({"DocumentReference"}),
    accepts=accepts,
    gather=gather,
    load=lambda settings: Model(),
    cards=lambda model: [model.card],
    models_for=lambda inputs, model: [model.card],
    analyze=analyze,
    resources=resources,
    reads=frozenset({"DocumentReference"}),
    writes=frozenset({"DiagnosticReport", "Observation"}),
)


def note(patient: str, text: str) -> dict[str, object]:
    """A DocumentReference with this text."""
    attachment = {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": codes.concept(codes.LOINC, "34117-2"),
        "subject": codes.reference(patient),
        "content": [{"attachment": attachment}],
    }
