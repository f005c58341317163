"""The patients in the index: met with their heads, followed by their history."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.review.worklist.index import Index
from services.review.worklist.kept.marks import mark_of, utc
from services.review.worklist.kept.patients import words_of
from services.review.worklist.looks import MALFORMED, Looks
from shared.ehr.client import Ehr, Version
from shared.fhir.person import MOST, linked_records
from shared.instants import now
from shared.json import Json
from shared.privacy.person import linked_questions, linking
from shared.references import is_a, local_reference

log = logging.getLogger(__name__)
AT_ONCE: Final = 40
"""Records in one batch, with a read and a search each."""


@dataclass(frozen=True)
class People:
    """Keeps the patients of the index up to date."""

    ehr: Ehr
    index: Index

    def meet(self, subjects: Iterable[str]) -> None:
        """Read those that are new to the index, with the records linked to them."""
        wanted = [s for s in dict.fromkeys(subjects) if is_a(s, "Patient")]
        known = self.index.patients(wanted)
        self._read([reference for reference in wanted if reference not in known])

    def renew(self) -> None:
        """Read all patients of the index again, and remove those of no head."""
        self._read(sorted(self.index.subjects()))
        self.index.forget_needless()

    def follow(self, since: str) -> str:
        """Read again those that changed since the instant, or came to be linked with one.

        Returns:
            The newest time met that does not lie ahead of our clock; empty for none.
        """
        changed: dict[str, None] = {}
        newest, until = "", now()
        for version in self.ehr.history("Patient", since):
            time = utc(version.time)
            newest = time if newest < time <= until else newest
            if self._matters(version):
                changed[version.reference] = None
        self._read(list(changed))
        return newest

    def _matters(self, version: Version) -> bool:
        links = linked_records(version.resource) if version.resource else ()
        known = self.index.patients([version.reference, *links])
        if version.resource is None:
            return version.reference in known
        return bool(known) and not mark_of(version.resource).equals(known.get(version.reference))

    def _read(self, references: Sequence[str]) -> None:
        for start in range(0, len(references), AT_ONCE):
            found, gone = self._with_links(list(references[start : start + AT_ONCE]))
            self.index.meet(found, gone)

    def _with_links(self, references: list[str]) -> tuple[list[Json], list[str]]:
        """Read records, and those that their links, or links to them, lead to."""
        ehr = self.ehr.ahead([q for ref in references for q in linked_questions(ref)])
        found: dict[str, Json] = {}
        gone: list[str] = []
        most = len(references) * MOST
        for reference in references:  # it grows
            read = Looks(ehr).read([reference])
            if (patient := read.get(reference)) is None:
                gone += read
                continue
            if not _is_readable(patient):
                continue
            found[reference] = patient
            naming = [local_reference(p) for p in linking(ehr, reference)]
            others = dict.fromkeys(r for r in (*linked_records(patient), *naming))
            new = [r for r in others if r not in references]
            references += new[: max(0, most - len(references))]
        return list(found.values()), gone


def _is_readable(patient: Json) -> bool:
    """Tell whether the record is shaped as R4 says; one that is not has no name here."""
    try:
        words_of(patient)
    except MALFORMED as error:
        log.warning("%s can't be listed: %s", local_reference(patient), type(error).__name__)
        return False
    return True
