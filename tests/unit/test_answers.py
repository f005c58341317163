"""Which head counts."""

from itertools import permutations

from shared.answers import Answer, Head, newest
from shared.fhir import heads
from shared.fhir.heads import head_of

ANSWER = Answer("toy", "DocumentReference/1")


def head(number: int, revision: int, authored: str, status: str = "requested") -> Head:
    task = heads.first_draft(ANSWER, revision, subject="Patient/1", device="Device/1", now=authored)
    return head_of(task | {"id": str(number), "meta": {"versionId": "1"}, "status": status})


def test_the_highest_revision_counts_then_one_that_says_more_then_the_first_begun_by_the_clock() -> (
    None
):
    in_order = [
        head(5, 3, "2026-01-02T12:00:00Z"),
        head(
            4, 2, "2026-01-02T00:30:00.000+02:00"
        ),  # 22:30 the day before; an EHR may write its own zone
        head(3, 2, "2026-01-01T23:00:00.000Z"),
        head(2, 2, "2026-01-01T01:00:00.000Z", status="draft"),
        head(1, 1, "2026-01-01T00:00:00.000Z"),
    ]
    for given in permutations(in_order):
        assert newest(given) is in_order[0]
    for given in permutations(in_order[1:]):
        assert newest(given) is in_order[1]
    for given in permutations(in_order[3:]):
        assert newest(given) is in_order[3]
    assert newest([]) is None
