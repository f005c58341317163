"""Loop: story."""

import time
from uuid import uuid4

import pytest

from services import catalogue
from shared.fhir import codes
from shared.fhir.check import check
from shared.runtime import dead_letters
from shared.stream.base import EVENTS_TOPIC, Message
from tests.e2e.clinic import until
from tests.e2e.loop.support import (
    EXPECTED,
    POISON,
    QUIET_SEC,
    Story,
    _without_backport,
    reset,
    sign,
)
from tests.e2e.patients import CANARY
from tests.hl7 import Validate

pytestmark = [pytest.mark.timeout(900), pytest.mark.kafka]


def test_every_answer_has_exactly_one_outcome(story: Story) -> None:
    assert {
        name: {s: story.outcome(s, name) for s in catalogue.analyser_names()} for name in EXPECTED
    } == EXPECTED


def test_there_is_no_head_beyond_these(story: Story) -> None:
    tasks = [
        t
        for t in story.clinic.ehr.search("Task", {"_count": "500"})
        if any(i.get("system") == codes.REVISION for i in t.get("identifier", []))
    ]
    assert len(tasks) == sum(map(len, EXPECTED.values()))
    assert not [t for t in tasks if t["status"] in ("draft", "failed")]


def test_there_is_one_report_per_answer(story: Story) -> None:
    heads = [story.head(s, n) for n in EXPECTED for s in catalogue.analyser_names()]
    focused = sorted(h.outputs["report"] for h in heads if h and "report" in h.outputs)
    assert (
        sorted(
            f"{r['resourceType']}/{r['id']}"
            for kind in ("DiagnosticReport", "CarePlan")
            for r in story.clinic.ehr.search(kind, {"_count": "500"})
        )
        == focused
    )


def test_the_undecodable_record_is_in_each_dead_letter_list_once(story: Story) -> None:
    for service in catalogue.analyser_names():
        assert [letter.value for letter in dead_letters.letters(story.clinic.log, service)] == [
            POISON
        ], service


def test_the_changed_note_counts_and_the_old_text_is_gone(story: Story) -> None:
    head = story.head("notes", "changes")
    assert head
    drugs = [
        r
        for ref in head.outputs.values()
        if (r := story.clinic.ehr.read(ref))
        and codes.has_code(r.get("code"), codes.LOINC, "10160-0")
    ]
    named = {
        codes.first_code(d["valueCodeableConcept"], codes.RXNORM)
        for d in drugs
        if d["status"] == "preliminary"
    }
    assert {"11289", "5640"} <= named and "32968" not in named


def test_a_replay_of_the_whole_topic_writes_nothing(story: Story) -> None:
    clinic = story.clinic
    before = clinic.versions()
    clinic.stop(*catalogue.analyser_names())
    for service in catalogue.analyser_names():
        assert until(lambda s=service: reset(clinic, s), 30)  # type: ignore[misc]
    assert clinic.lag() > 0
    clinic.start(*catalogue.analyser_names())
    assert until(lambda: clinic.lag() == 0, 180)
    assert clinic.versions() == before
    letters = [len(dead_letters.letters(clinic.log, s)) for s in catalogue.analyser_names()]
    assert letters == [1] * len(letters)


def test_a_signed_report_is_final_with_its_signer_and_a_rerun_leaves_it(story: Story) -> None:
    clinic, head = story.clinic, story.head("genomics", "healthy")
    assert head
    sign(clinic, head)
    report = clinic.ehr.read(head.outputs["report"])
    assert report and report["status"] == "final"
    verifiers = [
        p
        for p in clinic.ehr.search("Provenance", {"target": head.outputs["report"]})
        if codes.has_code(p["agent"][0]["type"], codes.PROVENANCE_AGENT, "verifier")
    ]
    assert [p["agent"][0]["who"]["reference"] for p in verifiers] == [clinic.practitioner]
    records = list(clinic.log.scan(EVENTS_TOPIC))
    sink = clinic.log.sink()
    sink.send(EVENTS_TOPIC, [Message(r.key, r.value, r.headers) for r in records], 30)
    sink.close()
    assert until(lambda: clinic.lag() == 0 and story.settled(), 120)
    again = clinic.ehr.read(head.outputs["report"])
    assert again == report
    plan = story.head("treatment", "healthy")
    assert plan and plan.revision == 1, "a bare signature opens nothing"


def test_everything_written_is_valid(story: Story, hl7_errors: Validate) -> None:
    """fhir.resources, our own required codes and targets, and HL7's own validator, over all that
    stands.
    """
    resources = list(story.clinic.history())
    assert len(resources) > 200
    for resource in resources:
        check(resource)
    entries = [
        {"fullUrl": f"urn:uuid:{uuid4()}", "resource": _without_backport(r)} for r in resources
    ]
    found = [
        e
        for i in range(0, len(entries), 50)
        for e in hl7_errors(
            {"resourceType": "Bundle", "type": "collection", "entry": entries[i : i + 50]}
        )
    ]
    assert found == []


def test_no_log_and_no_metric_names_a_patient(story: Story) -> None:
    said = story.clinic.said()
    assert "careloop_events_total" in said
    assert not [
        word for word in (CANARY, "Lindqvist", "Astrid", "1940-03-05", "19400305") if word in said
    ]


def test_a_minute_after_settling_nothing_has_moved(story: Story) -> None:
    before = story.clinic.versions()
    time.sleep(QUIET_SEC)
    assert story.clinic.versions() == before
