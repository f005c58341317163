"""Identity: answers, bases, digests, and which head counts."""

from itertools import permutations

import pytest

from shared.answers import Answer, Basis, Head, digest, newest
from shared.fhir import codes, heads
from shared.fhir.heads import head_of

ANSWER = Answer("toy", "DocumentReference/1")
NOW = "2026-01-01T00:00:00.000Z"


def head(number: int, revision: int, authored: str, status: str = "requested") -> Head:
    task = heads.first_draft(ANSWER, revision, subject="Patient/1", device="Device/1", now=authored)
    return head_of(task | {"id": str(number), "meta": {"versionId": "1"}, "status": status})


def decided(decision: str | None, basis: Basis) -> Head:
    """A head that a clinician decided on, resting on this basis."""
    waiting = heads.requested(
        head(1, 1, NOW),
        subject="Patient/1",
        basis=basis,
        focus="DiagnosticReport/1",
        device="Device/1",
        sources={},
        outputs={"report": "DiagnosticReport/1"},
        now=NOW,
    )
    task = waiting | {"id": "1", "meta": {"versionId": "2"}}
    if decision:
        task |= {"businessStatus": codes.concept(codes.DECISION, decision), "status": "completed"}
    return head_of(task)


IN_ORDER = (
    head(5, 3, "2026-01-02T12:00:00Z"),
    # 22:30 the day before; an EHR may write its own zone
    head(4, 2, "2026-01-02T00:30:00.000+02:00"),
    head(3, 2, "2026-01-01T23:00:00.000Z"),
    head(2, 2, "2026-01-01T01:00:00.000Z", status="draft"),
    head(1, 1, "2026-01-01T00:00:00.000Z"),
)


@pytest.mark.parametrize("first", [0, 1, 3])
def test_the_highest_revision_counts_then_one_that_says_more_then_the_first_begun(
    first: int,
) -> None:
    for given in permutations(IN_ORDER[first:]):
        assert newest(given) is IN_ORDER[first]


def test_of_no_heads_none_counts() -> None:
    assert newest([]) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        ((b"ab", b""), (b"a", b"b")),
        (("abc",), ("ab", "c")),
        ((["a", "b"],), ("a", "b")),
        (("", "a"), ("a", "")),
    ],
)
def test_no_two_lists_of_parts_have_one_digest(
    one: tuple[object, ...], other: tuple[object, ...]
) -> None:
    assert digest(*one) != digest(*other)  # type: ignore[arg-type]


def test_the_same_parts_have_the_same_digest_in_whatever_order_a_mapping_is() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest("a", b"a") == digest(b"a", "a")
    assert len(digest()) == 64


OLD, NEW_MODEL = Basis("c0ffee", ("sha256:aaaa",)), Basis("c0ffee", ("sha256:bbbb",))
NEW_CONTENT = Basis("decade", ("sha256:aaaa",))


@pytest.mark.parametrize("decision", [None, "rejected", "signed", "amended"])
def test_the_very_same_basis_is_answered(decision: str | None) -> None:
    assert decided(decision, OLD).answers(OLD)


@pytest.mark.parametrize("decision", [None, "rejected", "signed", "amended"])
def test_another_content_is_not_answered(decision: str | None) -> None:
    assert not decided(decision, OLD).answers(NEW_CONTENT)


@pytest.mark.parametrize(
    ("decision", "answered"),
    [("signed", True), ("amended", True), ("rejected", False), (None, False)],
)
def test_another_model_alone_reopens_nothing_that_was_signed_or_amended(
    decision: str | None, answered: bool
) -> None:
    found = decided(decision, OLD)
    assert found.answers(NEW_MODEL) is answered
    assert found.signed is answered


def test_what_a_head_rests_on_and_wrote_is_read_back() -> None:
    found = decided("signed", OLD)
    assert (found.basis, found.outputs) == (str(OLD), {"report": "DiagnosticReport/1"})
    assert found.closed and found.outcome == "completed"
    assert not decided(None, OLD).closed


def test_answers_differ_by_service_and_by_input() -> None:
    others = [Answer("toy", "DocumentReference/2"), Answer("toys", "DocumentReference/1")]
    assert ANSWER.uuid not in {other.uuid for other in others}
    assert ANSWER.uuid == Answer("toy", "DocumentReference/1").uuid
    assert ANSWER.revision_token(2) == f"{ANSWER.uuid}.2"
    keys = {ANSWER.resource_uuid(r, k) for r in (1, 2) for k in ("report", "words")}
    assert len(keys) == 4
