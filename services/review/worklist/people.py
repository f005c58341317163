"""The patients in the index: met with their heads, followed by their history."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.review.worklist.index import Index
from services.review.worklist.kept.marks import mark_of
from services.review.worklist.kept.patients import words_of
from services.review.worklist.looks import MALFORMED, Looks
from services.review.worklist.met import Met
from shared.ehr.client import Ehr
from shared.fhir.person import MOST, linked_records
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

    def follow(self, found: Met) -> None:
        """Read again those that changed, or came to be linked with one."""
        self._read([f"Patient/{id}" for id in found.ids if self._matters(id, found)])

    def _matters(self, id: str, found: Met) -> bool:
        reference, patient = f"Patient/{id}", found.standing.get(id)
        known = self.index.patients([reference]).get(reference)
        if patient is None:  # nothing but its delete was met
            return known is not None
        if not found.ended(id) and mark_of(patient).equals(known):
            return False
        return self.index.concerns([reference, *linked_records(patient)])

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
            others = [local_reference(p) for p in linking(ehr, reference)]
            if (patient := read.get(reference)) is None:
                gone += read
            elif _is_readable(patient):
                found[reference] = patient
                others = [*linked_records(patient), *others]
            new = [other for other in dict.fromkeys(others) if other not in references]
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
