"""Line: merged patients, on EHRs that rewrite the inputs' references and on those that don't."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from shared.ehr.client import Ehr
from shared.errors import Conflict, FhirError
from shared.fhir.person import CONTRADICTION, ELSEWHERE, GONE, TOO_MANY
from shared.references import subject_of
from shared.runtime.line import Case, Line
from tests.contract.line.support import (
    again,
    change,
    consent,
    decide,
    event,
    head,
    run,
    stand,
    write,
)
from tests.merging import WAYS, How, link, merge, say, unmerge

DENY = {"provision": [{"type": "deny"}]}


def subjects(ehr: Ehr, found: Any) -> set[str | None]:
    """Whom the head and all that it wrote are about."""
    return {subject_of(found.task), *(subject_of(r) for r in stand(ehr, found).values())}


@pytest.mark.parametrize("how", WAYS)
def test_a_draft_follows_its_patient(
    line: Line, ehr: Ehr, patient: str, other: str, how: How
) -> None:
    reference = write(ehr, patient, "drafted before the merge")
    arrived = event(ehr, reference)
    run(line, arrived)
    before = head(ehr, reference)
    merge(ehr, patient, other, how)
    assert again(line, event(ehr, reference)) == ["result", "unchanged"]
    found = head(ehr, reference)
    assert subjects(ehr, found) == {other}
    assert (found.reference, found.revision, dict(found.outputs)) == (
        before.reference,
        1,
        dict(before.outputs),
    ), "one result, the same one"


@pytest.mark.parametrize("how", WAYS)
def test_what_was_merged_before_is_drafted_on_the_survivor(
    line: Line, ehr: Ehr, patient: str, other: str, how: How
) -> None:
    reference = write(ehr, patient, "read after the merge")
    merge(ehr, patient, other, how)  # HAPI: by its own `$merge`, no AuditEvent is in its way
    assert again(line, event(ehr, reference)) == ["result", "unchanged"]
    assert subjects(ehr, head(ehr, reference)) == {other}


@pytest.mark.parametrize("how", WAYS)
def test_what_was_signed_stays_and_is_not_drafted_again(
    line: Line, ehr: Ehr, patient: str, other: str, how: How
) -> None:
    reference = write(ehr, patient, "signed before the merge")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    merge(ehr, patient, other, how)
    signed = head(ehr, reference)
    assert again(line, event(ehr, reference)) == ["unchanged"] * 2
    assert head(ehr, reference).version == signed.version
    assert subjects(ehr, signed) == {patient if how == "left" else other}


@pytest.mark.parametrize("how", WAYS)
def test_what_was_rejected_stays_so(
    line: Line, ehr: Ehr, patient: str, other: str, how: How
) -> None:
    reference = write(ehr, patient, "rejected before the merge")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "rejected")
    merge(ehr, patient, other, how)
    assert again(line, event(ehr, reference)) == ["unchanged"] * 2
    assert head(ehr, reference).revision == 1


@pytest.mark.parametrize("how", WAYS)
def test_a_change_after_a_signature_is_drafted_on_the_survivor(
    line: Line, ehr: Ehr, patient: str, other: str, how: How
) -> None:
    reference = write(ehr, patient, "signed, merged, changed")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    merge(ehr, patient, other, how)
    change(ehr, reference, "another text")
    assert again(line, event(ehr, reference)) == ["result", "unchanged"]
    found = head(ehr, reference)
    assert (found.revision, subjects(ehr, found)) == (2, {other}), "nothing says that it moved"


def test_a_merge_under_way_starts_again(line: Line, ehr: Ehr, patient: str, other: str) -> None:
    arrived = event(ehr, write(ehr, patient, "merged while it was analysed"))
    taken = line.take(arrived)
    assert isinstance(taken, Case)
    merge(ehr, patient, other)
    [findings] = line.service.analyze([taken.inputs], line.model)
    with pytest.raises(Conflict):
        line.put(taken, findings)
    assert again(line, arrived) == ["result", "unchanged"]
    assert subjects(ehr, head(ehr, arrived.focus)) == {other}


@pytest.mark.parametrize("links", ["away", "left"])
def test_an_unmerge_takes_the_draft_back(
    line: Line, ehr: Ehr, patient: str, other: str, links: str
) -> None:
    merge(ehr, patient, other)
    reference = write(ehr, patient, f"drafted while merged, links {links}")
    run(line, event(ehr, reference))
    if links == "away":
        ehr.create(consent(other, DENY))  # is another person's now
        unmerge(ehr, patient, other)
    else:
        say(ehr, patient, link("replaced-by", other), active=True)
    assert again(line, event(ehr, reference)) == ["result", "unchanged"]
    assert subjects(ehr, head(ehr, reference)) == {patient}


def test_what_was_signed_while_merged_stays_with_the_survivor(
    line: Line, ehr: Ehr, patient: str, other: str
) -> None:
    merge(ehr, patient, other)
    reference = write(ehr, patient, "signed while merged")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    signed = head(ehr, reference)
    unmerge(ehr, patient, other)
    with pytest.raises(Conflict):  # the move is said on the survivor's record first
        run(line, event(ehr, reference))
    assert subject_of(head(ehr, reference).task) == other
    assert again(line, event(ehr, reference)) == ["result", "unchanged"]
    assert subjects(ehr, signed) == {other}
    assert subjects(ehr, head(ehr, reference)) == {patient}


def test_a_chain_ends_at_its_last_record(line: Line, ehr: Ehr, patient: str, other: str) -> None:
    last = ehr.create({"resourceType": "Patient", "gender": "female"}).reference
    reference = write(ehr, patient, "two merges")
    run(line, event(ehr, reference))
    for source, target in ((patient, other), (other, last)):
        merge(ehr, source, target)
        assert again(line, event(ehr, reference)) == ["result", "unchanged"]
        assert subjects(ehr, head(ehr, reference)) == {target}
    ehr.create(consent(other, DENY))
    assert run(line, event(ehr, write(ehr, last, "the middle denies"))) == "not_analysed"


def test_links_that_contradict_each_other_are_no_choice_of_ours(
    line: Line, ehr: Ehr, patient: str, other: str
) -> None:
    third = ehr.create({"resourceType": "Patient"}).reference
    reference = write(ehr, patient, "whose is it")
    run(line, event(ehr, reference))
    circle = ([link("replaced-by", other)], [link("replaced-by", patient)])
    for mine, hers in (circle, ([link("replaced-by", other), link("replaced-by", third)], [])):
        say(ehr, patient, *mine, active=False)
        say(ehr, other, *hers)
        assert again(line, event(ehr, reference))[1] == "unchanged"
        found = head(ehr, reference)
        assert (found.outcome, found.task["statusReason"]["text"]) == ("rejected", CONTRADICTION)
        assert stand(ehr, found)["report"]["status"] == "cancelled"
    say(ehr, patient, link("replaced-by", other), active=False)
    assert run(line, event(ehr, reference)) == "result"
    assert subjects(ehr, head(ehr, reference)) == {other}


def test_a_survivor_of_another_system_is_not_guessed(
    line: Line, ehr: Ehr, patient: str, other: str
) -> None:
    elsewhere = f"https://other-hospital.example/fhir/{other}"
    by_number = {"type": "replaced-by", "other": {"identifier": {"value": "17"}}}
    try:
        say(ehr, patient, link("replaced-by", elsewhere), active=False)
    except FhirError:  # HAPI refuses references to other servers
        say(ehr, patient, by_number, active=False)
    reference = write(ehr, patient, "replaced elsewhere")
    assert again(line, event(ehr, reference)) == ["not_analysed", "unchanged"]
    assert head(ehr, reference).task["statusReason"]["text"] == ELSEWHERE


def test_a_survivor_that_is_gone_is_not_guessed(
    line: Line, ehr: Ehr, patient: str, other: str
) -> None:
    say(ehr, patient, link("replaced-by", other), active=False)
    deleted = httpx.delete(f"{ehr.base}/{other}", timeout=60)
    if deleted.status_code == 409:
        return  # real HAPI keeps what a link names
    reference = write(ehr, patient, "replaced by what is gone")
    assert again(line, event(ehr, reference)) == ["not_analysed", "unchanged"]
    assert head(ehr, reference).task["statusReason"]["text"] == GONE


def test_records_that_are_only_alike_stay_apart(
    line: Line, ehr: Ehr, patient: str, other: str
) -> None:
    say(ehr, patient, link("seealso", other), link("refer", other))
    say(ehr, other, link("seealso", patient))
    ehr.create(consent(other, DENY))
    reference = write(ehr, patient, "alike")
    assert run(line, event(ehr, reference)) == "result"
    assert subjects(ehr, head(ehr, reference)) == {patient}


def test_too_many_records_are_not_followed(line: Line, ehr: Ehr, patient: str) -> None:
    for _ in range(16):
        retired = ehr.create({"resourceType": "Patient", "active": False}).reference
        say(ehr, retired, link("replaced-by", patient), active=False)
    reference = write(ehr, patient, "seventeen records")
    assert again(line, event(ehr, reference)) == ["not_analysed", "unchanged"]
    assert head(ehr, reference).task["statusReason"]["text"] == TOO_MANY


def test_two_lanes_at_one_answer_leave_one_result(
    line: Line, ehr: Ehr, patient: str, other: str
) -> None:
    """Events of the two records have different keys, so their lanes run side by side."""
    reference = write(ehr, patient, "told under both records")
    old = event(ehr, reference)
    run(line, old)
    merge(ehr, patient, other, "rewritten")
    arrived, start = [old, event(ehr, reference)], threading.Barrier(4)

    def until_settled(n: int) -> str:
        start.wait()
        for _attempt in range(100):
            try:
                return run(line, arrived[n % 2])
            except Conflict:
                threading.Event().wait(random.uniform(0, 0.1))
        return "never"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(until_settled, range(4)))
    assert sorted(outcomes) == ["result", *["unchanged"] * 3]
    assert subjects(ehr, head(ehr, reference)) == {other}
    written = ehr.search("DiagnosticReport", {"patient": other.split("/")[1]}, subject=other)
    assert len(list(written)) == 1
