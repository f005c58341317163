"""A case: one answer on its way from the event to the EHR."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from shared.answers import Answer, Basis, Head, newest
from shared.events import ResourceEvent
from shared.fhir.person import Person
from shared.references import is_a
from shared.runtime.line.workplace import Workplace
from shared.service import ModelCard

Settled = Literal["result", "not_analysed", "withdrawn", "unchanged", "not_ours", "failed"]


@dataclass(frozen=True)
class Case:
    """One answer on its way: its head before gather, and everything gathered since.

    Attributes:
        signed: the newest head that a clinician signed, if a later revision was opened since.
        person: whose input it is, once consent was asked; None where it names nobody.
        inputs: the service's own type, see `shared.service.Inputs`.
        written: when the input was, as gather read it; empty where the EHR does not say.
    """

    event: ResourceEvent
    answer: Answer
    head: Head | None
    signed: Head | None = None
    person: Person | None = None
    inputs: Any = None
    written: str = ""
    basis: Basis | None = None
    cards: Sequence[ModelCard] = ()

    @property
    def patient(self) -> str | None:
        """`Patient/id` of the subject; None where it is unknown or no Patient."""
        subject = self.inputs.subject if self.inputs is not None else self.event.subject
        return subject if is_a(subject, "Patient") else None


def under(case: Case, head: Head) -> Case:
    """Return the case with a head begun since; keep the signed one before it."""
    if head is case.head or not head.version:
        return case
    signed = case.head if case.head and case.head.signed else case.signed
    return replace(case, head=head, signed=signed)


def open_case(at: Workplace, event: ResourceEvent) -> Case:
    """Read the heads of the event's answer."""
    answer = Answer(at.service.name, at.service.input_of(event))

    found = at.ehr.heads(answer)
    head, signed = newest(found), newest(h for h in found if h.signed)

    return Case(event, answer, head, signed if signed is not head else None)
