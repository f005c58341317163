"""The person behind a patient record, as the EHR tells it."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Final

from shared.ehr.ahead import Question, reading, searching
from shared.ehr.client import Ehr
from shared.errors import NO_SEARCH, FhirError
from shared.fhir.person import MOST, Person, linked_records, person_of
from shared.json import Json
from shared.references import local_reference

NOBODY: Final = "Patient/careloop-nobody"


def find_person(ehr: Ehr, patient: str, known: Json | None = None) -> Person:
    """Read the links of a patient record, and the records that they lead to.

    One read and one search where nothing was merged.

    Args:
        patient: `Patient/id`.
        known: what was just read, where that may be this Patient.

    Raises:
        NotAnalysed: see `person_of`.
    """

    def read(reference: str) -> Json | None:
        was_read = known and reference == patient == local_reference(known)
        return known if was_read else ehr.read(reference)

    return person_of(patient, read, partial(linking, ehr))


def linked_questions(patient: str) -> list[Question]:
    """List what `find_person` asks first, and all where nothing was merged."""
    return [reading(patient), searching("Patient", _query(patient))]


def finds_links(ehr: Ehr) -> bool:
    """Tell whether the server searches by link: it finds no link to nobody."""
    try:
        return next(ehr.search("Patient", _query(NOBODY)), None) is None
    except FhirError as error:
        if error.status not in NO_SEARCH:
            raise
        return False


def linking(ehr: Ehr, patient: str) -> Iterator[Json]:
    """Find the records that name this one in a link, where it may name none of them."""
    return islice((p for p in _found(ehr, patient) if patient in linked_records(p)), MOST)


def _query(patient: str) -> dict[str, str]:
    return {"link": patient, "_count": str(MOST + 1)}


def _found(ehr: Ehr, patient: str) -> Iterator[Json]:
    """Search; nothing where the server has no such search.

    A server that ignores the parameter answers with anybody: no more than a page is looked at.
    """
    try:
        yield from islice(ehr.search("Patient", _query(patient)), MOST + 1)
    except FhirError as error:
        if error.status not in NO_SEARCH:
            raise
