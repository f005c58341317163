"""What a result asks of the EHR, as far as is known by then (pure)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from services.review.result.asking.named import (
    device_references,
    focus_of,
    resting,
    source_references,
)
from services.review.result.asking.rounds import Needs
from shared.answers import Head
from shared.ehr.ahead import Question, reading, searching
from shared.fhir import codes
from shared.fhir.person import MOST, REPLACED_BY, REPLACES, is_in_use, merge_links
from shared.fhir.summary import answer_of
from shared.json import Json
from shared.privacy.person import linked_questions
from shared.references import is_a, local_reference, relative, subject_of


@dataclass(frozen=True)
class Found:
    """A head, and what of its page was found so far.

    Attributes:
        resources: as they were read, and the hits of searches.
    """

    head: Head
    resources: Sequence[Json] = ()

    @property
    def service(self) -> str:
        """The service whose head it is."""
        return answer_of(self.head.task) or ""

    @property
    def subject(self) -> str:
        """`Patient/id`; empty or another type where the input names no patient."""
        return subject_of(self.head.task) or ""

    @property
    def is_plan(self) -> bool:
        """Tell whether the head is about a plan."""
        return is_a(focus_of(self.head), "CarePlan")

    @cached_property
    def outputs(self) -> Mapping[str, Json]:
        """What the answer wrote, by key."""
        read = {local_reference(r): r for r in self.resources if "id" in r}
        return {key: read[ref] for key, ref in self.head.outputs.items() if ref in read}

    def of_kind(self, *kinds: str) -> Iterator[Json]:
        """Yield the resources of these types."""
        return (r for r in self.resources if r.get("resourceType") in kinds)

    @cached_property
    def records(self) -> Sequence[str]:
        """List the patient's records, as far as they are known to be hers."""
        if not is_a(self.subject, "Patient"):
            return []
        patients = self._patients
        known = [e for e in self._merges if e[0] in patients and not is_in_use(patients[e[0]])]
        reached = [self.subject]
        for record in reached:  # it grows
            ends = (end for edge in known if record in edge for end in edge)
            reached += dict.fromkeys(end for end in ends if end not in reached)
        return reached[:MOST]

    @property
    def linked(self) -> Sequence[str]:
        """List the records that merges join with hers, whether they are hers or not."""
        ends = dict.fromkeys(end for e in self._merges for end in e if set(e) & set(self.records))
        return [end for end in ends if end not in self.records][:MOST]

    @cached_property
    def _patients(self) -> Mapping[str, Json]:
        return {local_reference(p): p for p in self.of_kind("Patient") if "id" in p}

    @cached_property
    def _merges(self) -> Sequence[tuple[str, str]]:
        """Each as (retired record, record that replaces it)."""
        found = []
        for own, patient in self._patients.items():
            found += [(own, relative(other)) for other in merge_links(patient, REPLACED_BY)]
            found += [(relative(other), own) for other in merge_links(patient, REPLACES)]
        return [e for e in found if all(is_a(end, "Patient") for end in e)]


PageNeeds = Callable[[Found], Iterable[Question]]
"""What was found so far -> the questions of a page, beside those of its result."""


def nothing_more(_: Found) -> Iterable[Question]:
    """Ask nothing beside the result."""
    return ()


def of_result(head: Head, more: PageNeeds) -> Needs:
    """Return what a result and its page need."""

    def needs(resources: Sequence[Json]) -> Iterator[Question]:
        found = Found(head, resources)
        yield from questions(found)
        yield from more(found)

    return needs


def questions(found: Found) -> Iterator[Question]:
    """List what `gather` asks after the head."""
    head, outputs = found.head, found.outputs.values()
    if not is_a(found.subject, "Patient"):
        return
    yield from map(reading, [*head.outputs.values(), *source_references(head.task)])
    for record in found.records:
        yield from linked_questions(record)
    yield from map(reading, found.linked)
    if head.outputs:
        yield searching("Provenance", provenance_query(focus_of(head)))
    yield from map(reading, [*_requester(head), *device_references(outputs)])
    if found.is_plan:
        yield from map(reading, resting(outputs))


def provenance_query(focus: str) -> Mapping[str, str]:
    """Return the search for who wrote and verified the focus."""
    return {"target": focus}


def answer_query(answer: str) -> Mapping[str, str]:
    """Return the search for an answer's heads; ValueError if it is no uuid."""
    return {"identifier": f"{codes.ANSWER}|{UUID(answer)}"}


def _requester(head: Head) -> Iterator[str]:
    """Yield the Device that began the head: as a rule the first model that spoke."""
    reference = relative(str(head.task.get("requester", {}).get("reference", "")))
    if is_a(reference, "Device"):
        yield reference
