"""One result, read from the EHR: the head, its patient, everything that the answer wrote and what
it was drawn from.

Whatever names somebody else than the head's patient is left out and reported as foreign: a page
never shows another patient's data, and a result with a foreign part can't be decided on. What was
taken back since is shown, and the result can't be signed.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.review import present
from services.review.decision import decide
from services.review.result import standing
from shared import instants
from shared.answers import Head, newest
from shared.ehr.client import Ehr
from shared.errors import CareloopError
from shared.fhir import codes, lifecycle
from shared.fhir.heads import head_of, sources_of
from shared.fhir.summary import answer_of
from shared.json import Json
from shared.references import PATIENT_ELEMENTS, relative, subject_of

RESTS_ON: Final = (
    "supportingInfo",
    "addresses",
    "reasonReference",
    "supportingInformation",
    "priorPrescription",
    "implicated",
)  # of a plan and its parts
DEVICE_ELEMENTS: Final = ("device", "author", "performer", "requester")
PARALLEL_READS: Final = 6


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

    @property
    def task_id(self) -> str:
        """The id of the head's Task: the page's address."""
        return self.head.reference.split("/", 1)[1]

    @property
    def patient_reference(self) -> str | None:
        """`Patient/id`, None where the input names no patient."""
        return self.subject if self.subject.startswith("Patient/") else None

    @property
    def focus(self) -> Json | None:
        """The report or the plan; None when there is none."""
        key = decide.focus_key(self.head, self.outputs)
        return self.outputs.get(key) if key else None

    @property
    def stamp(self) -> str:
        """Changes with every new version of what is shown and of what it rests on."""
        return decide.stamp(self.head, self.outputs, self.sources, self.missing)

    @property
    def waits(self) -> bool:
        """A clinician's decision is asked for and can be taken: nothing of it is missing, foreign
        or decided elsewhere.
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
        """Some of it can't be shown, so it can't be decided on either: a part is gone, or anything
        belongs to somebody else.
        """
        return bool(self.foreign) or any(ref in self.head.outputs.values() for ref in self.missing)

    @property
    def fallen(self) -> tuple[str, ...]:
        """What it rests on and what does not stand any more, `Type/id` each: taken back, stopped,
        or gone from the record. Only a rejection is left.
        """
        back = (present.ref(r) for r in self.sources if not standing.stands(r))
        return tuple(
            dict.fromkeys(
                (
                    *back,
                    *(
                        ref
                        for ref in self.missing
                        if ref not in self.head.outputs.values() and ref != self.subject
                    ),
                )
            )
        )

    def of_kind(self, *kinds: str) -> dict[str, Json]:
        """The outputs of these resource types, by key."""
        return {key: r for key, r in self.outputs.items() if r["resourceType"] in kinds}

    def find(self, reference: str) -> Json | None:
        """The output or source of this reference."""
        return next(
            (r for r in (*self.outputs.values(), *self.sources) if present.ref(r) == reference),
            None,
        )


def head_by_id(ehr: Ehr, task_id: str) -> Head:
    """The head of this Task.

    Raises:
        NoResult: no such Task, or one that careloop did not write.
    """
    task = ehr.read(f"Task/{task_id}")
    try:
        return head_of(task or {})
    except (ValueError, KeyError):
        raise NoResult(f"Task/{task_id} is no result of careloop") from None


def newest_head(ehr: Ehr, answer: str) -> Head | None:
    """The newest head of the answer with this uuid; None where there is none."""
    try:
        token = f"{codes.ANSWER}|{UUID(answer)}"
    except ValueError:
        return None
    return newest(head_of(task) for task in ehr.search("Task", {"identifier": token}))


def gather(ehr: Ehr, task_id: str) -> Result:
    """Read the result.

    Raises:
        NoResult: see `head_by_id`. Unavailable: the EHR does not answer.
    """
    head = head_by_id(ehr, task_id)
    subject = subject_of(head.task) or ""
    patients = subject.startswith(
        "Patient/"
    )  # a Group's or nobody's input was not analysed: the reason is all there is to show
    wanted = (
        list(dict.fromkeys([subject, *head.outputs.values(), *source_references(head.task)]))
        if patients
        else []
    )
    read = read_all(ehr, wanted)
    focus = relative(head.task.get("focus", {}).get("reference", ""))
    rests_on = (
        resting([r for ref in head.outputs.values() if (r := read.get(ref))])
        if focus.startswith("CarePlan/")
        else []
    )
    read |= read_all(ehr, [ref for ref in rests_on if ref not in read])
    ours = {ref: r for ref, r in read.items() if r is not None and _concerns(r, subject)}
    outputs = {key: ours[ref] for key, ref in head.outputs.items() if ref in ours}
    return Result(
        head=head,
        service=service_of(head.task),
        subject=subject,
        patient=ours.get(subject),
        outputs=outputs,
        sources=tuple(
            ours[ref]
            for ref in dict.fromkeys([*source_references(head.task), *rests_on])
            if ref in ours
        ),
        missing=tuple(ref for ref, r in read.items() if r is None),
        foreign=tuple(ref for ref, r in read.items() if r is not None and ref not in ours),
        provenance=_provenance(ehr, focus) if outputs else (),
        devices=tuple(
            r for r in read_all(ehr, device_references(outputs.values())).values() if r is not None
        ),
    )


def read_all(ehr: Ehr, wanted: Iterable[str]) -> dict[str, Json | None]:
    """Each reference's current resource (None: gone), read a few at a time."""
    unique = list(dict.fromkeys(wanted))
    read: Callable[[str], Json | None] = ehr.read
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        return dict(zip(unique, pool.map(read, unique), strict=True))


def _concerns(resource: Json, subject: str) -> bool:
    """It is about this subject, or is of a kind that is about nobody; one that names its patient in
    a way that can't be compared is somebody else's.
    """
    named = subject_of(resource)
    return named == subject or (
        named is None and not any(resource.get(element) for element in PATIENT_ELEMENTS)
    )


def resting(outputs: Iterable[Json]) -> list[str]:
    """What a plan, its proposals and its alerts say that they rest on, beside each other: of a long
    record the head does not name every source.
    """
    plan = list(outputs)
    details = (
        detail
        for r in plan
        for e in r.get("evidence", [])
        if isinstance(e, Mapping)
        for detail in present.references(e.get("detail"))
    )
    named = dict.fromkeys(
        [
            *(
                ref
                for r in plan
                for element in RESTS_ON
                for ref in present.references(r.get(element))
            ),
            *details,
        ]
    )
    own = {present.ref(r) for r in plan}
    return [
        ref for ref in named if ref not in own and not ref.startswith(("Patient/", "urn:", "#"))
    ]


def service_of(task: Json) -> str:
    """The service whose head this is."""
    return answer_of(task) or ""


def source_references(task: Json) -> list[str]:
    """What the head says it was drawn from; the focus itself where nothing was drawn."""
    focus = [] if task.get("output") else list(present.references(task.get("focus")))
    return list(
        dict.fromkeys(
            r for r in [*sources_of(task), *focus] if not r.startswith(("Patient/", "urn:", "#"))
        )
    )


def device_references(resources: Iterable[Json]) -> list[str]:
    """The Devices that made these resources, in the order of their appearance."""
    found = []
    for resource in resources:
        for element in DEVICE_ELEMENTS:
            value = resource.get(element)
            items = value if isinstance(value, list) else [value] if value else []
            found += [
                *present.references(items),
                *(r for item in items for r in present.references(_alternates(item))),
            ]
    return list(dict.fromkeys(r for r in found if r.startswith("Device/")))


def _alternates(item: Mapping[str, Any]) -> list[Any]:
    return [
        e.get("valueReference")
        for e in item.get("extension", [])
        if e.get("url") == codes.ALTERNATE_REFERENCE
    ]


def _provenance(ehr: Ehr, focus: str) -> tuple[Json, ...]:
    """Who wrote and who verified the focus, oldest first.

    Each hit must name it: a server may ignore the parameter.
    """
    hits = ehr.search("Provenance", {"target": focus})
    return tuple(
        sorted(
            (p for p in hits if focus in present.references(p.get("target"))),
            key=lambda p: instants.start(p.get("recorded", "")),
        )
    )
