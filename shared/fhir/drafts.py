"""Drafts: the resources of a result before it is written (pure).

A service's `resources` makes them with a Pen, which knows the answer, the patient, the time and the
Devices.

::

    def resources(inputs, findings, pen):
        finding = pen.draft("Observation", "pneumonia", code=..., confidence=0.91)
        report = pen.draft("DiagnosticReport", "report", code=..., result=[finding.ref])
        return [finding, report]

A draft carries what every resource of its kind must: our identifier, the AI label, the patient, the
time, the draft status and the Device, each in the element where that kind keeps it. The runtime
turns drafts into one guarded transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.answers import Answer
from shared.fhir import codes, lifecycle
from shared.fhir.times import clinical
from shared.json import Json

SUBJECT: Final = {"DetectedIssue": "patient"}
"""Where the patient is; in every other kind it is `subject`."""
TIMES: Final[dict[str, tuple[str, ...]]] = {
    "DiagnosticReport": ("issued",),
    "Observation": ("issued",),
    "Media": ("issued",),
    "Condition": ("recordedDate",),
    "DetectedIssue": ("identifiedDateTime",),
    "CarePlan": ("created",),
    "RequestGroup": ("authoredOn",),
    "ServiceRequest": ("authoredOn",),
    "MedicationRequest": ("authoredOn",),
    "Goal": (),
}
"""When we wrote it. When what it speaks of was so is in `shared.fhir.times.clinical`."""
DEVICE: Final = {
    "Observation": "device",
    "Media": "device",
    "DetectedIssue": "author",
    "CarePlan": "author",
    "RequestGroup": "author",
    "ServiceRequest": "requester",
    "MedicationRequest": "requester",
}
"""Where a Device is legal. DiagnosticReport has it in an extension, Condition and Goal nowhere."""
INTENT: Final = frozenset({"CarePlan", "RequestGroup", "ServiceRequest", "MedicationRequest"})


@dataclass(frozen=True)
class Draft:
    """One resource of an answer, before it has an id.

    Attributes:
        key: names it within the answer: the same key on a rerun updates the same resource.
        resource: FHIR JSON.
        uuid: `urn:uuid:...`, its fullUrl until the EHR gives it an id.
    """

    key: str
    resource: Json
    uuid: str

    @property
    def ref(self) -> Json:
        """A Reference to it, for the other drafts of the same answer."""
        return codes.reference(self.uuid)


@dataclass(frozen=True)
class Pen:
    """What all drafts of one answer share.

    Attributes:
        answer, revision: whose resources these are.
        subject: `Patient/id`.
        now: an instant with zone, `2026-01-01T00:00:00Z`.
        devices: `Device/id` by model name, in the order of `Service.models_for`.
        titles: what to show for each of them.
        report_status: `preliminary`, or `partial` where a hospital wants that word for an AI's
            report.
        effective: the clinical time of what was analysed, a FHIR dateTime; None: it is not known,
            and no resource gives one.
    """

    answer: Answer
    revision: int
    subject: str
    now: str
    devices: Mapping[str, str]
    titles: Mapping[str, str]
    report_status: str = "preliminary"
    effective: str | None = None

    def draft(
        self,
        kind: str,
        key: str,
        *,
        model: str | None = None,
        confidence: float | None = None,
        **elements: Any,
    ) -> Draft:
        """Draft a resource of this kind; `elements` win over the defaults.

        The defaults are all that every resource of the kind must carry.

        Args:
            kind: the resource type; KeyError for one that careloop does not write.
            key: stable within the answer, `[a-z0-9-]`.
            model: the name of the model that found it; default: the first.
            confidence: 0..1, written as the extension AIconfidence.
            elements: FHIR elements by name; None leaves the element out, even a default.
        """
        uuid = f"urn:uuid:{self.answer.resource_uuid(self.revision, key)}"
        resource: Json = {"resourceType": kind, "meta": {"security": [codes.AI_LABEL]}}
        resource |= self._identity(uuid) | self._state(kind) | self._circumstances(kind, model)
        extensions = [*_confidence(confidence), *resource.pop("extension", ())]
        elements["extension"] = [*extensions, *(elements.get("extension") or ())] or None
        resource |= elements
        return Draft(key, {k: v for k, v in resource.items() if v is not None}, uuid)

    def _identity(self, uuid: str) -> Json:
        ours = {"system": codes.RESOURCE, "value": uuid}
        service = {"system": codes.SERVICE, "value": self.answer.service}
        return {"identifier": [ours, service]}

    def _state(self, kind: str) -> Json:
        state = lifecycle.at_stage({"resourceType": kind}, "draft")
        if kind == "DiagnosticReport":
            state["status"] = self.report_status
        if kind in INTENT:
            state["intent"] = "proposal"
        return state

    def _circumstances(self, kind: str, model: str | None) -> Json:
        name = model or next(iter(self.devices))
        device = codes.reference(self.devices[name])
        found: Json = {SUBJECT.get(kind, "subject"): codes.reference(self.subject)}
        found |= dict.fromkeys(TIMES[kind], self.now) | clinical.elements(kind, self.effective)
        if kind == "DiagnosticReport":
            extension = {"url": codes.ALTERNATE_REFERENCE, "valueReference": device}
            found["performer"] = [
                {"extension": [extension], "display": f"{self.titles[name]} (AI)"}
            ]
        elif kind in DEVICE:
            found[DEVICE[kind]] = device
        return found


def _confidence(confidence: float | None) -> list[Json]:
    if confidence is None:
        return []
    return [{"url": codes.AI_CONFIDENCE, "valueDecimal": round(float(confidence), 4)}]
