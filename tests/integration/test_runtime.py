"""The runtime on an event log in memory and an EHR behind HTTP: every (service, event) ends in
exactly one visible outcome.
"""

import math
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.answers import Answer
from shared.ehr.client import open_ehr
from shared.errors import Misconfigured, Unavailable
from shared.events import ResourceEvent, encode
from shared.fhir.summary import event_of
from shared.runtime import dead_letters
from shared.runtime.lanes import Item
from shared.runtime.line import Line, at_ehr
from shared.runtime.loop import Runtime, group_of
from shared.runtime.metrics import Metrics
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC, Message, Record
from shared.stream.memory import MemoryLog
from shared.stream.tracing import new_traceparent, trace_id
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.toy import TOY, Findings, Model, note

PATIENCE_SEC = 60.0
LEASE_SEC = 2.0


class World:
    """A fake EHR, a log, and runtimes that come and go."""

    def __init__(self, fake: FakeEhr, tmp_path: Path) -> None:
        self.fake = fake
        self.settings = Settings(
            fhir_url=fake.base,
            state_dir=tmp_path,
            backoff_max_sec=0.2,
            not_yet_max_sec=1.0,
            fhir_timeout_sec=20.0,
            shutdown_sec=5.0,
        )
        self.log = MemoryLog(LEASE_SEC)
        self.log.create_topics(4, ["toy"])
        self.sink = self.log.sink()
        self.ehr = open_ehr(self.settings)
        self.patient = self.ehr.create({"resourceType": "Patient"}).reference

    def runtime(self, **changes: Any) -> Runtime:
        service = replace(TOY, **{k: v for k, v in changes.items() if k != "settings"})
        settings = self.settings.model_copy(update=changes.get("settings", {}))
        return Runtime(
            Line(service, self.ehr, Model(), settings, at_ehr(self.ehr)), self.log, Metrics("toy")
        )

    @contextmanager
    def running(self, **changes: Any) -> Iterator[Runtime]:
        stop, runtime = threading.Event(), self.runtime(**changes)
        thread = threading.Thread(target=runtime.run, args=(stop,))
        thread.start()
        try:
            yield runtime
        finally:
            stop.set()
            thread.join(PATIENCE_SEC)
            assert not thread.is_alive()

    def write(self, text: str, patient: str | None = None) -> str:
        return self.ehr.create(note(patient or self.patient, text)).reference

    def tell(self, *references: str) -> None:
        for reference in references:
            resource = self.ehr.read(reference)
            assert resource
            self.sink.send(
                EVENTS_TOPIC, [Message(*encode(event_of(resource, "update"), self.ehr.base))]
            )

    def settled(self, seconds: float = PATIENCE_SEC) -> bool:
        return until(lambda: self.log.group_lag(EVENTS_TOPIC, group_of("toy")) == 0, seconds)

    def outcome(self, reference: str) -> str | None:
        heads = self.ehr.heads(Answer("toy", reference))
        assert len(heads) <= 1, "one head per answer"
        return heads[0].outcome if heads else None

    def reports(self) -> int:
        return len(self.fake.resources("DiagnosticReport"))

    def versions(self) -> dict[str, str]:
        kinds = ("Task", "DiagnosticReport", "Observation", "Provenance", "AuditEvent", "Device")
        return {
            f"{k}/{r['id']}": r["meta"]["versionId"] for k in kinds for r in self.fake.resources(k)
        }


def until(condition: Callable[[], bool], seconds: float = PATIENCE_SEC) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.fixture(params=["sekmet", "hapi"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with FakeEhr(SEKMET if request.param == "sekmet" else HAPI) as fake:
        made = World(fake, tmp_path)
        yield made
        made.ehr.close()
        made.sink.close()


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


def replace_findings(inputs: Any) -> Any:
    return Findings(len(inputs.text.split()))


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


def test_a_burst_of_dead_letters_pauses_the_service_and_empties_no_topic(world: World) -> None:
    references = [world.write(f"crash {n}") for n in range(8)]
    world.tell(*references)
    with world.running(settings={"dead_letter_limit": 3, "max_attempts": 1}) as runtime:
        assert until(lambda: bool(runtime.ready()) and runtime.pauses.limited)
        time.sleep(0.5)
        assert len(dead_letters.letters(world.log, "toy")) <= 4
    assert not world.settled(0.1)
    with world.running(settings={"dead_letter_limit": 3}) as again:
        assert until(lambda: again.pauses.limited), "a restart does not reset the count"


def test_what_the_dead_letter_limit_held_up_is_buried_once_the_window_has_passed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.pauses.LIMIT_PAUSE_SEC", 0.1)
    window_sec, clock = 600.0, [0.0]
    monkeypatch.setattr(
        "shared.runtime.dead_letters.time", SimpleNamespace(time=lambda: time.time() + clock[0])
    )
    references = [world.write(f"crash {n}") for n in range(6)]
    world.tell(*references)
    with world.running(
        settings={"dead_letter_limit": 3, "dead_letter_window_sec": window_sec, "max_attempts": 1}
    ) as runtime:
        assert until(lambda: runtime.pauses.limited)
        assert len(dead_letters.letters(world.log, "toy")) < 6
        clock[0] = window_sec
        assert world.settled()
    assert {world.outcome(r) for r in references} == {"failed"}
    assert len(dead_letters.letters(world.log, "toy")) == 6


@pytest.mark.parametrize("fault", ["broker", 409, 412, 429, 500, 503])
def test_a_burial_that_is_interrupted_is_finished(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: str | int
) -> None:
    crash, behind = world.write("crash"), world.write("behind it")
    world.tell(crash)
    real, calls = dead_letters.bury, [0]

    def bury(*args: Any) -> None:
        calls[0] += 1
        if isinstance(fault, int):
            world.fake.faults.fail(
                2, fault, retry_after="0", method="POST"
            )  # of the writes that follow, its head is the first
        elif calls[0] == 1:
            raise Unavailable("broker", "a hiccup")
        real(*args)

    monkeypatch.setattr(dead_letters, "bury", bury)
    with world.running(settings={"max_attempts": 1}):
        assert world.settled()
        world.tell(behind)
        assert until(lambda: world.outcome(behind) == "requested")
    assert world.outcome(crash) == "failed"
    assert [letter.error for letter in dead_letters.letters(world.log, "toy")] == ["MemoryError"]
    assert calls == [2 if fault == "broker" else 1], "what is stored is not stored again"


def test_of_a_record_whose_head_the_ehr_refuses_the_letter_alone_tells(world: World) -> None:
    reference = world.write("crash")
    world.tell(reference)
    world.fake.faults.fail(10**6, 422, method="POST")
    with world.running(settings={"max_attempts": 1}):
        assert world.settled()
    assert world.outcome(reference) is None and len(dead_letters.letters(world.log, "toy")) == 1


def test_two_members_and_a_sudden_death_leave_one_result_each(world: World) -> None:
    patients = [world.ehr.create({"resourceType": "Patient"}).reference for _ in range(8)]
    references = [world.write(f"note {n}", p) for n, p in enumerate(patients * 3)]
    world.tell(*references)
    dying, stop = world.runtime(), threading.Event()
    # works and never commits: a member that dies before its first commit
    dying._commit = lambda source: None  # type: ignore[method-assign]
    thread = threading.Thread(target=dying.run, args=(stop,))
    thread.start()
    with world.running():
        assert until(lambda: world.reports() > 5)
        stop.set()
        thread.join(PATIENCE_SEC)
        assert world.settled()
    assert world.reports() == len(references)
    assert {world.outcome(r) for r in references} == {"requested"}


def test_a_planted_commit_before_write_is_seen(world: World) -> None:
    """The checker of this file must be able to fail: a runtime that commits what it read, then
    dies, loses events.
    """
    references = [world.write(f"note {n}") for n in range(5)]
    world.tell(*references)
    source = world.log.source(EVENTS_TOPIC, group_of("toy"))
    records: list[Any] = []
    assert until(lambda: bool(records.extend(source.poll(0.1)) or len(records) == 5))
    source.commit({r.partition: r.offset + 1 for r in records})
    source.close()
    with world.running():
        assert world.settled()
    assert {world.outcome(r) for r in references} == {None}


def test_signals_of_shutdown_drain_what_is_in_flight(world: World) -> None:
    references = [
        world.write(f"note {n}", world.ehr.create({"resourceType": "Patient"}).reference)
        for n in range(12)
    ]
    world.tell(*references)
    with world.running():
        until(lambda: world.reports() > 0)
    left = world.log.group_lag(EVENTS_TOPIC, group_of("toy"))
    written = world.reports()
    assert written + left >= 12
    with world.running():
        assert world.settled()
    assert world.reports() == 12


def test_a_change_to_a_report_that_was_signed_elsewhere_gets_its_answer(world: World) -> None:
    reference = world.write("to sign elsewhere")
    world.tell(reference)
    with world.running():
        assert world.settled()
        found = world.ehr.head(Answer("toy", reference))
        report = world.ehr.read(found.outputs["report"]) if found else None
        note_ = world.ehr.read(reference)
        assert report and note_
        world.ehr.update(report | {"status": "final"}, report["meta"]["versionId"])
        world.ehr.update(
            note_ | {"content": note("x", "changed afterwards, longer")["content"]},
            note_["meta"]["versionId"],
        )
        world.tell(reference)
        assert world.settled()
    last = world.ehr.head(Answer("toy", reference))
    assert last and (last.revision, last.outcome) == (2, "requested")


def test_a_broker_that_hiccups_leaves_the_service_ready(world: World) -> None:
    with world.running() as runtime:
        assert until(lambda: runtime.source is not None and not runtime.ready())
        source, calls = runtime.source, [0]
        assert source is not None
        real = source.poll

        def poll(timeout_sec: float) -> Any:
            calls[0] += 1
            if calls[0] == 1:
                raise Unavailable("broker", "a hiccup")
            return real(timeout_sec)

        source.poll = poll  # type: ignore[method-assign]
        assert until(lambda: calls[0] > 3)
        assert until(lambda: runtime.ready() == [])


def test_a_missing_dead_letter_topic_ends_the_service_with_the_command_to_run(world: World) -> None:
    reference = world.write("crash x")
    world.log = MemoryLog(LEASE_SEC)
    world.log.create_topics(4, ["other"])
    sink = world.log.sink()
    sink.send(
        EVENTS_TOPIC, [Message(*encode(event_of(world.ehr.read(reference) or {}, "update"), "x"))]
    )
    sink.close()
    with pytest.raises(Misconfigured, match="careloop topics"):
        world.runtime(settings={"max_attempts": 1}).run(threading.Event())


def test_a_model_that_returns_nan_fails_and_reports_nothing(world: World) -> None:
    reference = world.write("nan")
    world.tell(reference)
    with world.running(analyze=lambda batch, model: [Findings(math.nan) for _ in batch]):  # type: ignore[arg-type]
        assert world.settled()
    assert world.outcome(reference) == "failed" and world.reports() == 0


def test_a_head_that_never_lets_us_write_ends_as_a_dead_letter(world: World) -> None:
    world.tell(world.write("conflict"))
    world.fake.faults.fail(10**6, 409, method="POST")
    with world.running(settings={"backoff_max_sec": 0.05}):
        assert world.settled()
    assert len(dead_letters.letters(world.log, "toy")) == 1


def test_an_old_record_still_waits_for_what_it_announced(world: World) -> None:
    reference = world.write("not yet")
    world.tell(reference)
    time.sleep(1.2)  # older than not_yet_max_sec before anybody reads it
    began = time.monotonic()
    with world.running():
        assert until(lambda: world.outcome(reference) == "rejected")
    assert time.monotonic() - began > 1.0


def test_a_model_that_never_comes_back_makes_the_service_unready_and_its_record_grow_old(
    world: World,
) -> None:
    gate = threading.Event()

    def hang(batch: Any, _: Any) -> list[Findings]:
        gate.wait(PATIENCE_SEC)
        return [Findings(1) for _ in batch]

    world.tell(world.write("a note"))
    with world.running(analyze=hang, settings={"model_stall_sec": 0.2}) as runtime:

        def age() -> float:
            return (
                runtime.metrics.registry.get_sample_value(
                    "careloop_oldest_unfinished_seconds", {"service": "toy"}
                )
                or 0.0
            )

        assert until(lambda: any("s on one batch" in words for words in runtime.ready()))
        assert until(lambda: age() > 0.2)
        gate.set()
        assert world.settled()
        assert until(lambda: runtime.ready() == [] and age() == 0.0)


def test_metrics_hold_outcomes_and_no_ids(world: World) -> None:
    from prometheus_client import generate_latest

    world.tell(world.write("counted"))
    with world.running() as runtime:
        assert world.settled()
        text = generate_latest(runtime.metrics.registry).decode()
    assert 'careloop_events_total{outcome="result",service="toy"} 1.0' in text
    assert "Patient" not in text and "DocumentReference" not in text
    assert set(re.findall(r'(\w+)="', text)) <= {
        "service",
        "outcome",
        "stage",
        "error",
        "le",
        "implementation",
        "major",
        "minor",
        "patchlevel",
        "version",
    }


def test_a_record_over_which_the_ehr_breaks_down_does_not_stop_the_others(world: World) -> None:
    patients = [world.ehr.create({"resourceType": "Patient"}).reference for _ in range(8)]
    bad, *good = [world.write(f"note {n}", p) for n, p in enumerate(patients)]
    world.fake.faults.fail(1000, 500, method="GET", path=bad)
    world.sink.send(
        EVENTS_TOPIC,
        [
            Message(
                *encode(
                    ResourceEvent(
                        bad, "1", "update", patients[0], "current", content_types=("text/plain",)
                    ),
                    "x",
                )
            )
        ],
    )
    with world.running():
        for reference in good:
            world.tell(reference)
            assert until(lambda r=reference: world.outcome(r) == "requested")  # type: ignore[misc]
        assert until(lambda: bool(dead_letters.letters(world.log, "toy")))


def test_a_backlog_is_not_gathered_all_at_once(world: World) -> None:
    patients = [world.ehr.create({"resourceType": "Patient"}).reference for _ in range(30)]
    world.tell(*(world.write(f"note {n}", p) for n, p in enumerate(patients)))
    held: list[int] = []

    def gather(*asked: Any) -> Any:
        held.append(1)
        return TOY.gather(*asked)

    gate = threading.Event()

    def analyze(batch: Any, model: Any) -> Any:
        gate.wait(PATIENCE_SEC)
        return TOY.analyze(batch, model)

    with world.running(gather=gather, analyze=analyze):
        assert until(lambda: len(held) >= 16) and not until(lambda: len(held) > 16, 0.5), (
            "as many as two rounds of the pool, no more"
        )
        gate.set()
        assert world.settled()
    assert len(held) == 30
