"""What an EHR says about careloop's work on one patient.

Each answer's outcome, and what is still missing (read only).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from services import catalogue
from shared.answers import Answer, Head
from shared.ehr.client import Ehr
from shared.fhir.heads import names_all, sources_of
from shared.fhir.summary import event_of
from shared.instants import parse, start
from shared.references import relative
from shared.runtime.loop import group_of
from shared.stream.base import EVENTS_TOPIC, Log

SWEEP_MARGIN = timedelta(seconds=1)  # servers show a big transaction up to 1 s late


@dataclass(frozen=True)
class Outcome:
    """One answer as it stands in the EHR.

    Attributes:
        service, answer: whose, and its uuid.
        head: `Task/id`: its review Task, whose page shows it.
        outcome: the head's.
        resource: its focus, `Type/id`: the report, the plan, or the input that was not analysed.
        seconds: from the input's last change to the head's.
        reason: why there is no result, if there is none.
    """

    service: str
    answer: str
    head: str
    outcome: str
    resource: str
    seconds: float
    reason: str


@dataclass(frozen=True)
class Clinic:
    """One patient's inputs at an EHR, and the event log and sweep that carry them.

    Attributes:
        swept: when the newest complete sweep began, an instant; None before the first.
    """

    ehr: Ehr
    log: Log
    patient: str
    inputs: Sequence[str]
    swept: Callable[[], str | None]

    def outcomes(self) -> list[Outcome]:
        """Every answer about these inputs and this patient that has a head."""
        return [_outcome(answer, head, since) for answer, head, since in self._heads()]

    def missing(self) -> list[str]:
        """What keeps all from being settled, in words; empty when it is."""
        heads = list(self._heads())
        found = {(a.service, a.input) for a, h, _ in heads if h.outcome != "draft"}
        missing = [
            f"{service} has not answered {reference}"
            for service, reference in self._expected()
            if (service, reference) not in found
        ]
        return missing + self.plan_lacks(heads) + self._behind(heads)

    def _expected(self) -> Iterator[tuple[str, str]]:
        for reference in self.inputs:
            resource = self.ehr.read(reference)
            if resource is None:
                continue
            event = event_of(resource, "create")
            for service in catalogue.analysers():
                if service.accepts(event):
                    yield service.name, service.input_of(event)

    def _heads(self) -> Iterator[tuple[Answer, Head, str]]:
        of_patient = [(s.name, self.patient) for s in catalogue.analysers() if s.per_patient]
        for service, reference in dict.fromkeys([*self._expected(), *of_patient]):
            answer = Answer(service, reference)
            if head := self.ehr.head(answer):
                resource = self.ehr.read(reference) or {}
                yield (
                    answer,
                    head,
                    resource.get("meta", {}).get("lastUpdated", head.task["authoredOn"]),
                )

    def plan_lacks(self, heads: Sequence[tuple[Answer, Head, str]]) -> list[str]:
        """Say on which reports a plan does not rest yet.

        It rests on every report that the others wrote and no clinician rejected. A plan that can't
        name them all is believed.
        """
        planners = {
            s.name
            for s in catalogue.analysers()
            if s.per_patient and "DiagnosticReport" in s.triggers
        }
        plans = [h for a, h, _ in heads if a.service in planners]
        if not all(names_all(h.task, "DiagnosticReport") for h in plans):
            return []

        reported = [h for a, h, _ in heads if a.service not in planners]
        reports = {
            relative(h.task["focus"]["reference"])
            for h in reported
            if h.outcome == "requested" or h.signed
        }
        sources = {reference for h in plans for reference in sources_of(h.task)}
        return [f"the plan does not rest on {report} yet" for report in sorted(reports - sources)]

    def _behind(self, heads: Sequence[tuple[Answer, Head, str]]) -> list[str]:
        last = max((h.task["meta"]["lastUpdated"] for _, h, _ in heads), key=start, default=None)
        swept = self.swept()
        behind = [
            f"{s} is {lag} records behind"
            for s in catalogue.analyser_names()
            if (lag := self.log.group_lag(EVENTS_TOPIC, group_of(s)))
        ]
        if swept is None or (last and start(swept) < start(last) + SWEEP_MARGIN):
            behind.append("the sweep has not passed the last write")
        return behind


def swept_at(intake: str) -> str | None:
    """When the newest complete sweep of the intake at this address began.

    None before the first, or while it is down.
    """
    try:
        found = httpx.get(f"{intake}/sweep", timeout=2).json()["complete"]
    except httpx.HTTPError:
        return None
    return str(found) if found else None


def _outcome(answer: Answer, head: Head, since: str) -> Outcome:
    focus = head.task.get("focus", {})
    resource = relative(focus["reference"]) if "reference" in focus else answer.input
    seconds = (parse(head.task["lastModified"]) - parse(since)).total_seconds()
    reason = head.task.get("statusReason", {}).get("text", "")
    return Outcome(
        answer.service,
        str(answer.uuid),
        head.reference,
        head.outcome,
        resource,
        round(max(0.0, seconds), 1),
        reason,
    )


def as_json(fhir_url: str, outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    """`{fhir_url, outcomes}`: one row per answer."""
    rows = [
        {
            "service": o.service,
            "answer": o.answer,
            "outcome": o.outcome,
            "resource": o.resource,
            "seconds": o.seconds,
        }
        for o in outcomes
    ]
    return {"fhir_url": fhir_url, "outcomes": rows}
