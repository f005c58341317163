"""Review decide: the AI's words and what a clinician made of them."""

import time

import pytest

from services.review.decision.decide import Decision, transaction
from services.review.decision.words import Piece, difference, words_of
from shared.fhir import codes
from shared.fhir.heads import head_of
from tests.browser.clinic import chest_film, note_findings
from tests.unit.review_decide.support import DOCTOR, NOW, SAME, decided, stored


def test_a_difference_goes_word_by_word() -> None:
    found = difference("Opacity, in keeping with pneumonia.", "Opacity, in keeping with a mass.")
    assert found == [
        Piece("same", "Opacity, in keeping with "),
        Piece("struck", "pneumonia."),
        Piece("added", "a mass."),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("", "New."), ("Old.", ""), ("One two three.", "two"), ("A\n\nB", "A\nB"), ("x", "y")],
)
def test_both_texts_can_be_read_from_their_difference(old: str, new: str) -> None:
    found = difference(old, new)
    assert "".join(p.text for p in found if p.fate != "struck").split() == new.split()
    assert "".join(p.text for p in found if p.fate != "added").split() == old.split()


def test_a_long_text_of_one_word_is_compared_at_once() -> None:
    before = time.perf_counter()
    found = difference("Findings. " * 5_000, "Findings. " * 5_001)
    assert time.perf_counter() - before < 10 and found


def test_an_amended_result_names_the_version_and_the_words_that_were_amended() -> None:
    _, _, provenance = decided(chest_film("ImagingStudy/1"), Decision("amended", text="Masses."))
    [kept] = provenance["entity"]
    assert kept["role"] == "revision"
    assert kept["what"]["reference"] == "DiagnosticReport/3"
    assert kept["what"]["identifier"]["value"] == "DiagnosticReport/3/_history/5"
    assert words_of([provenance], "Masses.").said == SAME


@pytest.mark.parametrize("kind", ["signed", "rejected"])
def test_what_was_not_amended_names_no_older_words(kind: str) -> None:
    decision = Decision(kind, "Blurred" if kind == "rejected" else "")  # type: ignore[arg-type]
    _, _, provenance = decided(chest_film("ImagingStudy/1"), decision)
    assert "entity" not in provenance


def test_words_that_the_record_does_not_hold_are_said_to_be_missing() -> None:
    assert words_of([{"entity": [{"role": "revision"}]}], "Masses.").said is None


def test_what_is_left_out_is_withdrawn_and_what_is_refuted_is_denied() -> None:
    keys = frozenset({"problem-1", "drug-32968"})
    statuses = []
    for left_out in (frozenset(), keys):
        written, task, _ = decided(
            note_findings("DocumentReference/1"),
            Decision("amended", text="x", dropped=keys, left_out=left_out),
        )
        [status] = codes.codings(written["problem-1"]["verificationStatus"])
        statuses.append((status["code"], written["drug-32968"]["status"]))
        said = "Left out" if left_out else "Refuted"
        assert task["note"][0]["text"] == f"{said}: clopidogrel; Hypertensive disorder."
    assert statuses == [("refuted", "cancelled"), ("entered-in-error", "cancelled")]


@pytest.mark.parametrize("unsigned", [(), ("Chest film",)])
def test_what_others_noted_on_the_head_stays(unsigned: tuple[str, ...]) -> None:
    head, outputs = stored(chest_film("ImagingStudy/1"))
    others = [{"text": "Seen on the ward round."}, {"authorString": "RIS", "text": "Ward 3."}]
    noted = head_of(head.task | {"note": others})
    decision = Decision("signed", unsigned=unsigned)
    entries = transaction(noted, outputs, decision, DOCTOR, NOW)["entry"]
    [task] = [e["resource"] for e in entries if e["request"]["url"] == "Task/77"]
    assert task["note"][:2] == others
    assert ["Chest film" in note["text"] for note in task["note"][2:]] == [True] * len(unsigned)
