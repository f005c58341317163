"""The straight line when things turn under it: corrected subjects, parts decided one by one,
revisions that come back.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.ehr.client import Ehr, open_ehr
from shared.errors import Conflict, InvalidInput, InvalidResource
from shared.events import ResourceEvent
from shared.fhir import bundle, codes
from shared.runtime import devices
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import Settings
from tests.contract.test_line import change, consent, decide, event, head, run, write
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.toy import TOY, Model, note


@pytest.fixture(params=["sekmet", "hapi"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(SEKMET if request.param == "sekmet" else HAPI) as made:
        yield made


@pytest.fixture
def ehr(fake: FakeEhr, tmp_path: Path) -> Iterator[Ehr]:
    with open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path)) as client:
        yield client


@pytest.fixture
def line(ehr: Ehr, tmp_path: Path) -> Line:
    return Line(TOY, ehr, Model(), Settings(fhir_url=ehr.base, state_dir=tmp_path), at_ehr(ehr))


@pytest.fixture
def anna(ehr: Ehr) -> str:
    return person(ehr)


def person(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient"}).reference


def group(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Group", "type": "person", "actual": True}).reference


def repoint(ehr: Ehr, reference: str, patient: str) -> None:
    resource = ehr.read(reference)
    assert resource
    ehr.update(resource | {"subject": codes.reference(patient)}, resource["meta"]["versionId"])


def deny(ehr: Ehr, patient: str) -> str:
    return ehr.create(consent(patient, {"provision": [{"type": "deny"}]})).reference


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
    assert [target for target in asked if target.startswith(reference)] == [
        f"{reference}?_elements=subject"
    ]


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
    ehr: Ehr, fake: FakeEhr, line: Line, anna: str
) -> None:
    deny(ehr, anna)
    gone = ResourceEvent("DocumentReference/a-scan", "2", "delete", subject=anna)
    assert line.take(gone, only_deletes=True) == "not_ours"
    assert not list(ehr.search("Task", {})) and not list(ehr.search("AuditEvent", {}))


def test_a_part_that_a_clinician_decided_on_is_kept(ehr: Ehr, line: Line, anna: str) -> None:
    reference = write(ehr, anna, "one two three")
    run(line, event(ehr, reference))
    words = ehr.read(head(ehr, reference).outputs["words"])
    assert words
    ehr.update(words | {"status": "final"}, words["meta"]["versionId"])
    change(ehr, reference, "four words are here")
    assert run(line, event(ehr, reference)) == "result"
    kept, new = (
        ehr.read(f"Observation/{words['id']}"),
        ehr.read(head(ehr, reference).outputs["words"]),
    )
    assert kept and new and (kept["status"], kept["valueQuantity"]["value"]) == ("final", 3)
    assert (new["status"], new["valueQuantity"]["value"]) == ("preliminary", 4)
    report = ehr.read(head(ehr, reference).outputs["report"])
    assert report and f"Observation/{new['id']}" in [r["reference"] for r in report["result"]]


def test_a_decided_part_that_still_holds_is_referred_to(ehr: Ehr, line: Line, anna: str) -> None:
    reference = write(ehr, anna, "one two three")
    run(line, event(ehr, reference))
    words = ehr.read(head(ehr, reference).outputs["words"])
    assert words
    ehr.update(words | {"status": "final"}, words["meta"]["versionId"])
    change(ehr, reference, "three other words")
    assert run(line, event(ehr, reference)) == "result"
    assert head(ehr, reference).outputs["words"] == f"Observation/{words['id']}"


def test_what_is_not_ours_any_more_leaves_no_stale_draft(ehr: Ehr, line: Line, anna: str) -> None:
    reference = write(ehr, anna, "x y z")
    run(line, event(ehr, reference))
    elsewhere = replace(line, service=replace(TOY, gather=lambda *_: None))
    assert run(elsewhere, event(ehr, reference)) == "withdrawn"
    report = ehr.read(head(ehr, reference).outputs["report"])
    assert report and report["status"] == "cancelled"
    assert run(elsewhere, event(ehr, reference)) == "not_ours"


def test_new_content_that_fails_under_a_signature_is_visible(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "signed text")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    change(ehr, reference, "another text")
    line.fail(event(ehr, reference), "Failed: MemoryError.")
    found = head(ehr, reference)
    assert (found.revision, found.outcome) == (2, "failed")


@pytest.mark.parametrize("detour", ["denied", "failed", "changed"])
def test_what_was_signed_is_not_drawn_again_after_a_detour(
    ehr: Ehr, fake: FakeEhr, line: Line, anna: str, detour: str
) -> None:
    reference = write(ehr, anna, "signed text")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    if detour == "denied":
        refused = ehr.read(deny(ehr, anna))
        assert run(line, event(ehr, reference)) == "not_analysed"
        assert refused
        ehr.update(refused | {"status": "inactive"}, refused["meta"]["versionId"])
    elif detour == "failed":
        line.fail(event(ehr, reference), "Failed: MemoryError.")
    else:
        change(ehr, reference, "another text for a while")
        assert run(line, event(ehr, reference)) == "result"
        change(ehr, reference, "signed text")
    assert run(line, event(ehr, reference)) == "withdrawn"
    assert run(line, event(ehr, reference)) == "unchanged"
    assert len([r for r in fake.resources("DiagnosticReport") if r["status"] == "preliminary"]) == 0
    assert head(ehr, reference).outcome == "cancelled"


def finalise(ehr: Ehr, reference: str, status: str) -> None:
    """Another system decides on the report, outside careloop's review."""
    report = ehr.read(head(ehr, reference).outputs["report"])
    assert report
    ehr.update(report | {"status": status}, report["meta"]["versionId"])


TURNS = {
    "withdrawn": ("cancelled", "The input was withdrawn after the result was signed."),
    "denied": ("rejected", "The patient's consent does not permit this analysis."),
    "broken": ("rejected", "The note can't be read."),
    "failed": ("failed", "Failed: MemoryError."),
}


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
@pytest.mark.parametrize("turn", TURNS)
def test_a_report_decided_elsewhere_keeps_its_findings(
    ehr: Ehr, line: Line, anna: str, turn: str, status: str
) -> None:
    """The head still waits when the EHR's own client makes the report final: it is closed first,
    and the next revision says what came after.
    """
    reference = write(ehr, anna, "one two three")
    run(line, event(ehr, reference))
    first = head(ehr, reference)
    finalise(ehr, reference, status)
    if turn == "denied":
        deny(ehr, anna)
    elif turn != "failed":
        change(
            ehr,
            reference,
            "broken since",
            **({"status": "superseded"} if turn == "withdrawn" else {}),
        )
    told = event(ehr, reference)

    def settle() -> str:
        return line.fail(told, "Failed: MemoryError.") if turn == "failed" else run(line, told)

    with pytest.raises(Conflict):
        settle()
    closed = head(ehr, reference)
    assert (closed.reference, closed.outcome, closed.signed) == (first.reference, "completed", True)
    outcome = settle()
    found = head(ehr, reference)
    assert (found.revision, found.outcome, found.task["statusReason"]["text"]) == (2, *TURNS[turn])
    assert [
        (ehr.read(r) or {})["status"] for r in (first.outputs["words"], first.outputs["report"])
    ] == ["preliminary", status]
    assert settle() == (outcome if turn == "failed" else "unchanged")
    assert head(ehr, reference).version == found.version


def test_a_report_rejected_elsewhere_says_nothing_more_when_its_input_goes(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "one two three")
    run(line, event(ehr, reference))
    finalise(ehr, reference, "cancelled")
    change(ehr, reference, "one two three", status="superseded")
    with pytest.raises(Conflict):
        run(line, event(ehr, reference))
    assert run(line, event(ehr, reference)) == "unchanged"
    found = head(ehr, reference)
    assert (found.revision, found.outcome, found.signed) == (1, "completed", False)


def test_a_service_can_write_nothing_final_and_nothing_unlabelled(
    ehr: Ehr, fake: FakeEhr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "x y")
    for changes in ({"status": "final"}, {"meta": {}}, {"status": "final", "meta": {}}):

        def resources(inputs: Any, findings: Any, pen: Any, changes: Any = changes) -> Any:
            return [
                replace(d, resource=d.resource | changes)
                for d in TOY.resources(inputs, findings, pen)
            ]

        with pytest.raises(InvalidResource):
            run(replace(line, service=replace(TOY, resources=resources)), event(ehr, reference))
    assert fake.resources("DiagnosticReport") == []


def test_two_devices_of_one_version_do_not_stop_the_service(
    ehr: Ehr, line: Line, anna: str
) -> None:
    card = ehr.create(devices.card_document(Model().card, "2026-01-01T00:00:00Z")).reference
    for _ in range(2):
        ehr.create(devices.device(Model().card, card))
    assert run(line, event(ehr, write(ehr, anna, "hello there"))) == "result"


def test_a_result_that_stands_survives_an_input_that_does_not_come(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "pixels that were archived later")
    run(line, event(ehr, reference))
    assert line.give_up_waiting(event(ehr, reference)) == "unchanged"
    assert line.give_up_waiting(event(ehr, write(ehr, anna, "not yet"))) == "not_analysed"


def test_the_guard_reads_the_label_off_every_kind(ehr: Ehr, line: Line, anna: str) -> None:
    taken = line.take(event(ehr, write(ehr, anna, "z")))
    assert isinstance(taken, Case)
    with pytest.raises(InvalidResource):
        bundle.checked(
            [
                bundle.post(
                    {"resourceType": "Observation", "status": "final", "code": {"text": "x"}},
                    "urn:uuid:1b0a6f7e-0000-4000-8000-000000000001",
                )
            ]
        )
