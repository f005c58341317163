"""One result: head, patient, what was written and drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.review.result import standing
from services.review.result.stamp import focus_key, stamp_of
from shared.answers import Head, digest
from shared.ehr.client import Ehr
from shared.errors import CareloopError
from shared.fhir import lifecycle
from shared.fhir.person import Person
from shared.json import Json
from shared.references import is_a, local_reference


class NoResult(CareloopError):
    """There is no such head: the Task is gone or is not ours."""


@dataclass(frozen=True)
class Result:
    """What a result's page shows.

    Attributes:
        subject: `Patient/id`; empty or another type where the input names no patient. patient: the
            resource, None when it is gone.
        outputs: by key, what the answer wrote and the EHR still has, this patient's alone.
        sources: what it was drawn from and what a plan says that it rests on, this patient's alone
            (and what has no patient: a Medication).
        missing, foreign: references that are gone, or that belong to somebody else.
        provenance: of the focus, author and verifier.
        devices: the models that spoke.
        person: the patient, with all records of hers; None where that can't be told.
        unclear: why it can't be told; empty where it can, or where there is no patient.
        ehr: the EHR as it was read, with the answers asked ahead; None: made by hand.
    """

    head: Head
    service: str
    subject: str
    patient: Json | None
    outputs: Mapping[str, Json]
    sources: tuple[Json, ...]
    missing: tuple[str, ...]
    foreign: tuple[str, ...]
    provenance: tuple[Json, ...]
    devices: tuple[Json, ...]
    person: Person | None = None
    unclear: str = ""
    ehr: Ehr | None = field(default=None, repr=False, compare=False)

    def at(self, ehr: Ehr) -> Ehr:
        """Return the EHR as it was read; of a result made by hand this one."""
        return self.ehr or ehr

    @property
    def task_id(self) -> str:
        """The id of the head's Task: the page's address."""
        return self.head.reference.split("/", 1)[1]

    @property
    def patient_reference(self) -> str | None:
        """`Patient/id`, None where the input names no patient."""
        return self.subject if is_a(self.subject, "Patient") else None

    @property
    def records(self) -> tuple[str, ...]:
        """All records of the patient, `Patient/id` each."""
        return self.person.records if self.person else (self.subject,)

    @property
    def focus(self) -> Json | None:
        """The report or the plan; None when there is none."""
        key = focus_key(self.head, self.outputs)
        return self.outputs.get(key) if key else None

    @property
    def stamp(self) -> str:
        """Changes with every new version of what is shown and of what it rests on."""
        made = stamp_of(self.head, self.outputs, self.sources, self.missing)
        person = self.person
        if person is None or not (person.retired or person.doubtful or person.successors):
            return made
        return digest(made, person.records, person.doubtful, person.successors)

    @property
    def is_replaced(self) -> bool:
        """Its record was replaced by another one of the same patient."""
        return self.person is not None and self.subject != self.person.survivor

    @property
    def is_doubted(self) -> bool:
        """Its record is in use, and a link of a merge says that another one replaces it."""
        return self.person is not None and not self.is_replaced and bool(self.person.successors)

    @property
    def is_nobodys(self) -> bool:
        """The EHR has no record of its patient."""
        return self.person is not None and self.person.gone

    @property
    def is_inactive(self) -> bool:
        """Its record says that it is not in use."""
        return (self.patient or {}).get("active") is False

    @property
    def is_misplaced(self) -> bool:
        """Nobody can sign it here: its record is not in use, perhaps not, or not there."""
        not_in_use = self.is_replaced or self.is_inactive
        return not_in_use or self.is_nobodys or bool(self.unclear)

    @property
    def waits(self) -> bool:
        """A clinician's decision is asked for and can be taken.

        Nothing of it is missing, foreign or decided elsewhere.
        """
        return (
            self.head.outcome == "requested"
            and self.focus is not None
            and not self.decided_elsewhere
            and not self.incomplete
        )

    @property
    def decided_elsewhere(self) -> bool:
        """The head still waits, but another client has finalised the focus."""
        return (
            self.head.outcome == "requested"
            and self.focus is not None
            and not lifecycle.is_draft(self.focus)
        )

    @property
    def incomplete(self) -> bool:
        """Some of it can't be shown, so it can't be decided on either.

        A part is gone, or anything belongs to somebody else.
        """
        return bool(self.foreign) or any(ref in self.head.outputs.values() for ref in self.missing)

    @property
    def stale_sources(self) -> tuple[str, ...]:
        """What it rests on and does not stand any more, `Type/id` each.

        It was taken back, stopped, or is gone from the record: only a rejection is left.
        """
        taken_back = [local_reference(r) for r in self.sources if not standing.stands(r)]
        outputs = set(self.head.outputs.values())
        gone = [ref for ref in self.missing if ref not in outputs and ref != self.subject]
        return tuple(dict.fromkeys([*taken_back, *gone]))

    def of_kind(self, *kinds: str) -> dict[str, Json]:
        """The outputs of these resource types, by key."""
        return {key: r for key, r in self.outputs.items() if r["resourceType"] in kinds}

    def find(self, reference: str) -> Json | None:
        """The output or source of this reference."""
        return next(
            (r for r in (*self.outputs.values(), *self.sources) if local_reference(r) == reference),
            None,
        )
