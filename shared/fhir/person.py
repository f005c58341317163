"""One person behind several patient records, by `Patient.link` (pure).

A merge leaves a record with a link `replaced-by` on the retired one, `replaces` on the survivor,
or on both; either alone counts. A record that says `active: true` is in use: no link retires it,
so an unmerge counts whether the links were taken away or the record is merely active again. Some
EHRs leave `active: true` on what they merged: so the Consents of such a record are asked, too.
`refer` and `seealso` join nothing: R4 says of neither that both records are one person's to be
read together, and what is only alike must not share results or a consent.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Final

from shared.errors import NotAnalysed
from shared.json import Json
from shared.references import ONE_STEP, is_a, is_elsewhere, local_reference, relative

MOST: Final = 16
"""Records of one person that are read at most."""
REPLACED_BY: Final = "replaced-by"
REPLACES: Final = "replaces"
CONTRADICTION: Final = "The EHR's links between patient records contradict each other."
TOO_MANY: Final = f"More than {MOST} patient records are linked as one person's."
ELSEWHERE: Final = "The patient's record was replaced by one of another system."
GONE: Final = "The patient's record was replaced by one that is not in the EHR."
UNREADABLE: Final = "The link to the record that replaced the patient's is not readable."
UNNAMED: Final = "urn:unnamed"
"""Stands for another system's record, named by an identifier alone."""
NO_TARGET: Final = "#"
"""Stands for what a link names in no way that R4 has."""

Read = Callable[[str], Json | None]
"""`Patient/id` -> the resource as it stands; None: gone."""
Linking = Callable[[str], Iterable[Json]]
"""`Patient/id` -> Patients with a link to it."""
Edge = tuple[str, str]
"""A retired record, and the one that replaces it."""


@dataclass(frozen=True)
class Person:
    """A person and her records at the EHR.

    Attributes:
        survivor: `Patient/id` of the record in use: what is written, is written there.
        records: all that stand, the survivor first; one where nothing was merged.
        beyond: it also replaces a record of another system, which is not read.
        unreadable: it also replaces a record that its link does not name readably.
        gone: the EHR has no such record.
        doubtful: records joined to these by a link of a merge, although they are in use.
        successors: what a link names in place of the survivor, although that one is in use; as the
            link names it, also where that is not in the EHR or another system's.
    """

    survivor: str
    records: tuple[str, ...]
    beyond: bool = False
    unreadable: bool = False
    gone: bool = False
    doubtful: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()

    @property
    def retired(self) -> tuple[str, ...]:
        """The records replaced by the survivor."""
        return self.records[1:]

    @property
    def consulted(self) -> tuple[str, ...]:
        """The records with Consents that count, beside the survivor's."""
        return self.retired + self.doubtful


def person_of(patient: str, read: Read, linking: Linking) -> Person:
    """Follow the links between records, both ways, to one person.

    Args:
        patient: `Patient/id`. A reference with a host leads to another system.

    Raises:
        NotAnalysed: the links contradict each other (a circle, two survivors), lead to a record
            that is gone or another system's, are not readable, or join more than `MOST` records.
    """
    web = _Web(read, linking)
    if web.record(patient) is None:
        return Person(patient, (patient,), gone=True)

    seen = [patient]
    edges: set[Edge] = set()
    passed_over: list[Edge] = []
    for reference in seen:  # it grows
        links = list(web.links(reference))
        found = [edge for edge in links if not web.is_in_use(edge[0])]
        edges.update(found)
        passed_over += [edge for edge in links if edge not in found]
        seen += dict.fromkeys(end for edge in found for end in edge if end not in seen)
        if len(seen) > MOST:
            raise NotAnalysed(TOO_MANY)

    survivor = _survivor(seen, edges, web)
    standing = sorted(r for r in seen if r != survivor and web.record(r) is not None)
    replaced = [target for reference in seen for target in web.replaced(reference)]
    doubted = {end for edge in passed_over for end in edge}
    doubtful = sorted(r for r in doubted.difference(seen) if web.record(r) is not None)
    successors = dict.fromkeys(by for retired, by in passed_over if retired == survivor)
    return Person(
        survivor,
        (survivor, *standing),
        beyond=any(map(_is_elsewhere, replaced)),
        unreadable=not all(map(_is_readable, replaced)),
        doubtful=tuple(doubtful),
        successors=tuple(successors),
    )


def merge_links(patient: Json, *kinds: str) -> Iterator[str]:
    """Yield the targets of a Patient's links of these types.

    Default: both types of a merge.
    """
    links = patient.get("link")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("type") in (kinds or (REPLACED_BY, REPLACES)):
            yield _target(link.get("other"))


def _target(other: object) -> str:
    if not isinstance(other, dict):
        return NO_TARGET
    if isinstance(reference := other.get("reference"), str):
        return reference
    return UNNAMED if isinstance(other.get("identifier"), dict) else NO_TARGET


def linked_records(patient: Json) -> tuple[str, ...]:
    """List the records merged with this one, by its own account: `Patient/id`s.

    Empty for other types.
    """
    if patient.get("resourceType") != "Patient":
        return ()
    named = (relative(reference) for reference in merge_links(patient))
    return tuple(sorted({reference for reference in named if is_a(reference, "Patient")}))


def linked_alike(patient: Json) -> tuple[str, ...]:
    """List the records linked with this one, but not merged with it."""
    named = (relative(reference) for reference in merge_links(patient, "refer", "seealso"))
    return tuple(dict.fromkeys(r for r in named if r not in (UNNAMED, NO_TARGET)))


def replaced_by(patient: Json) -> str | None:
    """Return the replacing record by this one's own account: `Patient/id`."""
    named = (relative(reference) for reference in merge_links(patient, REPLACED_BY))
    found = next((reference for reference in named if is_a(reference, "Patient")), None)
    return None if is_in_use(patient) else found


@dataclass(frozen=True)
class _Web:
    """The records as read, each once."""

    read: Read
    linking: Linking
    known: dict[str, Json | None] = field(default_factory=dict)

    def record(self, reference: str) -> Json | None:
        """Return a record; None if it is gone, or another system's."""
        if not is_a(reference, "Patient"):
            return None
        if reference not in self.known:
            self.known[reference] = self.read(reference)
        return self.known[reference]

    def links(self, reference: str) -> Iterator[Edge]:
        """Yield its own links of a merge, and the links of others to it."""
        record = self.record(reference)
        if record is None:
            return

        for other in self._named(record, REPLACED_BY):
            yield reference, other
        for other in self._named(record, REPLACES):
            if self.record(other) is not None:
                yield other, reference
        for hit in self._naming(reference):
            own = local_reference(hit)
            if reference in self._named(hit, REPLACED_BY):
                yield own, reference
            if reference in self._named(hit, REPLACES):
                yield reference, own

    def is_in_use(self, reference: str) -> bool:
        """Tell whether a record says so."""
        return is_in_use(self.record(reference) or {})

    def replaced(self, reference: str) -> list[str]:
        """List the records that it replaces by its own account."""
        return self._named(self.record(reference) or {}, REPLACES)

    def _named(self, record: Json, kind: str) -> list[str]:
        """List the targets of its links of this type.

        Each as `Patient/id`; else the address as it stands.
        """
        return [relative(reference) for reference in merge_links(record, kind)]

    def _naming(self, reference: str) -> Iterator[Json]:
        for hit in self.linking(reference):
            if hit.get("resourceType") == "Patient" and "id" in hit:
                self.known.setdefault(local_reference(hit), hit)
                yield hit


def _is_elsewhere(target: str) -> bool:
    return is_elsewhere(target) or target.lower().startswith("urn:")


def _is_readable(target: str) -> bool:
    """Tell whether a link's target can be a Patient, here or elsewhere."""
    here = is_a(target, "Patient") and ONE_STEP.fullmatch(target) is not None
    return here or _is_elsewhere(target)


def is_in_use(record: Json) -> bool:
    """Tell whether a record says so."""
    return record.get("active") is True


def _survivor(records: Iterable[str], edges: Iterable[Edge], web: _Web) -> str:
    """Return the one record in use; raises NotAnalysed.

    No other one replaces it.
    """
    replaced = {retired for retired, _ in edges}
    graph: dict[str, set[str]] = {}
    for retired, by in edges:
        graph.setdefault(retired, set()).add(by)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        raise NotAnalysed(CONTRADICTION) from None

    ends = [reference for reference in records if reference not in replaced]
    standing = [r for r in ends if web.record(r) is not None]
    elsewhere = [r for r in ends if _is_elsewhere(r)]
    if not all(map(_is_readable, ends)):
        raise NotAnalysed(UNREADABLE)
    if len(standing) + len(elsewhere) > 1:
        raise NotAnalysed(CONTRADICTION)
    if elsewhere:
        raise NotAnalysed(ELSEWHERE)
    if not standing:
        raise NotAnalysed(GONE)
    return standing[0]
