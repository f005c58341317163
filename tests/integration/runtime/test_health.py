"""Runtime: health."""

import math
import re
import threading
import time
from typing import Any

import pytest

from shared.answers import Answer
from shared.errors import Misconfigured, Unavailable
from shared.events import ResourceEvent, encode
from shared.fhir.summary import event_of
from shared.runtime import dead_letters
from shared.stream.base import EVENTS_TOPIC, Message
from shared.stream.memory import MemoryLog
from tests.integration.runtime.support import LEASE_SEC, PATIENCE_SEC, World, until
from tests.toy import TOY, Findings, note


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
