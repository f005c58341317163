"""The heads of a patient: every result of hers has one."""

from collections.abc import Iterator, Mapping, Sequence

from shared.ehr.ahead import Question, searching
from shared.ehr.client import Ehr
from shared.fhir import codes
from shared.json import Json
from shared.references import identifiers_of


def heads_of(ehr: Ehr, records: Sequence[str]) -> Iterator[Json]:
    """Find the heads under each record of the patient; others' Tasks are none."""
    for record in records:
        for task in ehr.search("Task", _query(record), subject=record):
            if any(i.get("system") == codes.REVISION for i in identifiers_of(task)):
                yield task


def question(record: str) -> Question:
    """Return the question of `heads_of`."""
    return searching("Task", _query(record))


def _query(record: str) -> Mapping[str, str]:
    return {"patient": record}
