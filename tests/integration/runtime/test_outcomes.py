"""Runtime: outcomes."""

import random
import time

import pytest

from shared.errors import Unavailable
from shared.runtime import dead_letters
from shared.runtime.lanes import Item
from shared.runtime.loop import group_of
from shared.stream.base import EVENTS_TOPIC, Message, Record
from shared.stream.tracing import new_traceparent, trace_id
from tests.integration.runtime.support import World, replace_findings, until
from tests.toy import note


def test_shuffled_and_doubled_events_end_in_one_outcome_each(world: World) -> None:
    patients = [world.ehr.create({"resourceType": "Patient"}).reference for _ in range(5)]
    good = [world.write(f"note {n}", p) for n, p in enumerate(patients * 3)]
    bad, empty = world.write("broken", patients[0]), world.write(" ", patients[1])
    told = [*good, bad, empty] * 3
    random.Random(7).shuffle(told)
    world.tell(*told)
    with world.running():
        assert world.settled()
    assert {world.outcome(r) for r in good} == {"requested"}
    assert {world.outcome(r) for r in (bad, empty)} == {"rejected"}
    assert world.reports() == len(good)


def test_a_replay_of_the_whole_topic_writes_nothing(world: World) -> None:
    world.tell(*(world.write(f"note {n}") for n in range(6)), world.write("broken"))
    with world.running():
        assert world.settled()
    before = world.versions()
    world.log.group_reset(EVENTS_TOPIC, group_of("toy"))
    assert not world.settled(0.1)
    with world.running():
        assert world.settled()
    assert world.versions() == before


def test_poison_becomes_one_dead_letter_and_holds_nobody_up(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    trace = [("traceparent", new_traceparent().encode())]
    world.sink.send(EVENTS_TOPIC, [Message(world.patient.encode(), b"\x00 not an event", trace)])
    reference = world.write("behind the poison")
    world.tell(reference)
    with world.running():
        assert world.settled()
    [letter] = dead_letters.letters(world.log, "toy")
    assert (
        letter.value == b"\x00 not an event"
        and f"trace {trace_id(letter.headers)}" in caplog.text
        and trace_id(trace) in caplog.text
    )
    assert world.outcome(reference) == "requested"


def test_a_crashing_model_fails_one_and_spares_the_batch(world: World) -> None:
    patients = [world.ehr.create({"resourceType": "Patient"}).reference for _ in range(6)]
    good = [world.write(f"fine {n}", p) for n, p in enumerate(patients)]
    crash = world.write("crash now")
    world.tell(crash, *good)
    with world.running():
        assert world.settled()
    assert world.outcome(crash) == "failed" and {world.outcome(r) for r in good} == {"requested"}
    [letter] = dead_letters.letters(world.log, "toy")
    assert letter.attempts == 3


def test_a_replayed_dead_letter_mends_letter_and_head(world: World) -> None:
    reference = world.write("crash for now")
    world.tell(reference)
    with world.running():
        assert world.settled()
    letters = dead_letters.letters(world.log, "toy")
    dead_letters.replay(world.log, world.sink, "toy", [letter.id for letter in letters])
    with world.running(analyze=lambda batch, model: [replace_findings(i) for i in batch]):
        assert world.settled()
    assert world.outcome(reference) == "requested"
    assert [letter.replayed for letter in dead_letters.letters(world.log, "toy")] == [True]


def test_what_has_not_arrived_waits_alone_and_then_is_not_analysed(world: World) -> None:
    other = world.ehr.create({"resourceType": "Patient"}).reference
    late, good = world.write("not yet"), world.write("here", other)
    world.tell(late, good)
    with world.running(settings={"not_yet_max_sec": 6.0}):
        assert until(lambda: world.outcome(good) == "requested")
        assert world.outcome(late) is None
        assert world.settled()
    assert world.outcome(late) == "rejected"


def test_what_arrives_while_waiting_is_analysed(world: World) -> None:
    reference = world.write("not yet")
    world.tell(reference)
    with world.running(settings={"not_yet_max_sec": 60.0}):
        time.sleep(0.3)
        resource = world.ehr.read(reference)
        assert resource
        world.ehr.update(
            resource | {"content": note("x", "arrived")["content"]}, resource["meta"]["versionId"]
        )
        assert world.settled()
    assert world.outcome(reference) == "requested"


def test_an_ehr_that_is_away_pauses_and_loses_nothing(world: World) -> None:
    references = [world.write(f"note {n}") for n in range(5)]
    world.tell(*references)
    world.fake.faults.fail(10**6, 503, retry_after="0")
    with world.running() as runtime:
        assert until(lambda: "ehr" in runtime.ready())
        assert runtime.waiting_for == "ehr"
        world.fake.faults.end()
        assert world.settled()
    assert {world.outcome(r) for r in references} == {"requested"}
    assert dead_letters.letters(world.log, "toy") == []


@pytest.mark.parametrize(
    ("asked", "least", "most"), [(300.0, 299, 301), (None, 0, 1), (0.0, 0, 1), (10**6, 299, 301)]
)
def test_the_pause_that_was_asked_for_is_kept(
    world: World, asked: float | None, least: float, most: float
) -> None:
    runtime, now = world.runtime(), time.monotonic()  # its own back-off ends at 0.2 s
    runtime.pauses.pause(Unavailable("ehr", retry_after_sec=asked))
    item = Item(Record("t", 0, 0, b"k", b"", (), 0.0), None, "0-0", now)
    runtime.pauses.delay(item, Unavailable("pacs", retry_after_sec=asked))
    assert least <= runtime.pauses.until - now <= most
    assert least <= item.not_before - now <= most


def test_an_answer_that_was_lost_after_the_write_is_not_written_twice(world: World) -> None:
    references = [world.write(f"note {n}") for n in range(4)]
    world.tell(*references)
    world.fake.faults.drop_after_write(6, method="POST")
    with world.running():
        assert world.settled()
    assert {world.outcome(r) for r in references} == {"requested"} and world.reports() == 4


def test_a_refusal_of_the_ehr_is_a_dead_letter_after_one_attempt(world: World) -> None:
    reference = world.write("refused")
    world.tell(reference)
    with world.running(
        resources=lambda inputs, findings, pen: [
            pen.draft("DiagnosticReport", "report", code={"text": "x"}, status="draft")
        ]
    ):
        assert world.settled()
    [letter] = dead_letters.letters(world.log, "toy")
    assert letter.attempts == 1 and letter.error == "InvalidResource"
    assert world.outcome(reference) == "failed"
