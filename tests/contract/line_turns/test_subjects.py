"""Line turns: subjects."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.errors import InvalidInput
from shared.events import ResourceEvent
from shared.runtime.line import Line
from shared.settings import Settings
from tests.contract.line.support import event, head, run, write
from tests.contract.line_turns.support import deny, group, naming, person, repoint
from tests.fakes import FakeEhr
from tests.toy import TOY, note


def test_a_corrected_subject_takes_the_report_along(ehr: Ehr, line: Line, anna: str) -> None:
    berta = person(ehr)
    reference = write(ehr, anna, "filed under the wrong patient")
    run(line, event(ehr, reference))
    repoint(ehr, reference, berta)
    assert run(line, event(ehr, reference)) == "result"
    found = head(ehr, reference)
    report = ehr.read(found.outputs["report"])
    assert report and (report["subject"]["reference"], found.task["for"]["reference"]) == (
        berta,
        berta,
    )


def test_a_subject_that_is_added_later_names_the_head(ehr: Ehr, line: Line, anna: str) -> None:
    def gather(told: Any, client: Ehr, settings: Settings) -> Any:
        resource = client.read(told.focus)
        if resource is None or "subject" not in resource:
            raise InvalidInput("The note names no patient.")
        return TOY.gather(told, client, settings)

    strict = replace(line, service=replace(TOY, gather=gather))
    reference = ehr.create(
        {k: v for k, v in note(anna, "one two").items() if k != "subject"}
    ).reference
    assert run(strict, event(ehr, reference)) == "not_analysed"
    repoint(ehr, reference, anna)
    assert run(strict, event(ehr, reference)) == "result"
    assert head(ehr, reference).task["for"]["reference"] == anna


def test_consent_is_asked_of_the_patient_whose_input_it_is_now(
    ehr: Ehr, line: Line, anna: str
) -> None:
    berta = person(ehr)
    reference = write(ehr, anna, "first filed under another")
    old, nameless = event(ehr, reference), replace(event(ehr, reference), subject=None)
    repoint(ehr, reference, berta)
    deny(ehr, berta)
    assert run(line, old) == "not_analysed"
    assert run(line, nameless) == "unchanged"
    assert head(ehr, reference).task["for"]["reference"] == berta


@pytest.mark.parametrize("base", ["fake-sekmet", "fake-hapi"], indirect=True)
def test_of_a_denied_input_only_the_subject_is_asked_for(
    ehr: Ehr, line: Line, anna: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = write(ehr, anna, "secret")
    told = event(ehr, reference)
    deny(ehr, anna)
    asked: list[str] = []
    answer = FakeEhr.answer

    def spy(self: FakeEhr, method: str, target: str, headers: Any, content: bytes) -> Any:
        asked.append(target.removeprefix("/fhir/"))
        return answer(self, method, target, headers, content)

    monkeypatch.setattr(FakeEhr, "answer", spy)
    assert run(line, told) == "not_analysed"
    # once after the batch, and once when the refusal is looked at again
    alone = {target for target in asked if target.startswith(reference)}
    assert alone == {f"{reference}?_elements=subject"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("now", ["permits", "denies"])
def test_a_former_patients_denial_does_not_bind_the_next_one(
    ehr: Ehr, line: Line, anna: str, order: tuple[int, int], now: str
) -> None:
    berta = person(ehr)
    deny(ehr, anna)
    reference = write(ehr, anna, "filed under the wrong patient")
    old = event(ehr, reference)
    assert run(line, old) == "not_analysed"
    if now == "denies":
        deny(ehr, berta)
    repoint(ehr, reference, berta)
    told = [old, event(ehr, reference)]
    outcomes = [run(line, told[n]) for n in order]
    assert outcomes == ["result" if now == "permits" else "not_analysed", "unchanged"]
    found = head(ehr, reference)
    assert (found.outcome, found.task["for"]["reference"]) == (
        "requested" if now == "permits" else "rejected",
        berta,
    )
    assert [run(line, told[n]) for n in order] == ["unchanged"] * 2, "a replay changes nothing"
    assert head(ehr, reference).version == found.version


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_former_subject_that_was_a_group_does_not_bind_the_patient(
    ehr: Ehr, line: Line, order: tuple[int, int]
) -> None:
    reference = write(ehr, group(ehr), "filed under a group")
    old = event(ehr, reference)
    assert run(line, old) == "not_analysed"
    anna = person(ehr)
    repoint(ehr, reference, anna)
    told = [old, event(ehr, reference)]
    assert [run(line, told[n]) for n in order] == ["result", "unchanged"]
    assert head(ehr, reference).task["for"]["reference"] == anna


def test_an_input_that_was_moved_to_a_group_is_not_analysed(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "soon a group's")
    old = event(ehr, reference)
    run(line, old)
    repoint(ehr, reference, group(ehr))
    assert run(line, old) == "not_analysed"
    assert run(line, event(ehr, reference)) == "unchanged"


def test_a_denied_input_that_is_gone_ends_withdrawn_in_any_order(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "to be deleted")
    made = event(ehr, reference)
    deny(ehr, anna)
    httpx.delete(f"{ehr.base}/{reference}", timeout=60).raise_for_status()
    gone = ResourceEvent(reference, "2", "delete")
    assert [run(line, told) for told in (gone, made, gone)] == [
        "withdrawn",
        "unchanged",
        "unchanged",
    ]


def test_a_patients_plan_asks_the_patient_whoever_the_focus_is_about_now(
    ehr: Ehr, line: Line, anna: str
) -> None:
    plan = replace(line, service=replace(TOY, input_of=lambda told: str(told.subject)))
    deny(ehr, anna)
    reference = write(ehr, anna, "a note")
    told = event(ehr, reference)
    repoint(ehr, reference, person(ehr))
    assert run(plan, told) == "not_analysed"


def test_a_delete_of_what_was_never_analysed_asks_and_says_nothing(
    ehr: Ehr, line: Line, anna: str
) -> None:
    deny(ehr, anna)
    gone = ResourceEvent("DocumentReference/a-scan", "2", "delete", subject=anna)
    assert line.take(gone, only_deletes=True) == "not_ours"
    assert ehr.head(Answer("toy", gone.focus)) is None
    assert not naming(ehr, "AuditEvent", anna)
