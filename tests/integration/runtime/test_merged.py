"""Runtime: merged patients. Events of their records have different keys, and so different lanes."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.treatment.service import SERVICE
from shared.answers import Answer
from shared.events import ResourceEvent, encode
from shared.fhir import codes
from shared.runtime import dead_letters
from shared.runtime.line import Line, at_ehr
from shared.runtime.loop import Runtime, group_of
from shared.runtime.metrics import Metrics
from shared.stream.base import EVENTS_TOPIC, Message
from tests.integration.runtime.support import PATIENCE_SEC, World, until
from tests.merging import How, merge
from tests.unit.treatment_record import order

PAIRS = 4


def person(world: World) -> str:
    return world.ehr.create({"resourceType": "Patient", "gender": "female"}).reference


@pytest.mark.parametrize("how", ["left", "rewritten"])
def test_old_and_new_events_in_any_order_leave_one_result_on_the_survivor(
    world: World, how: How
) -> None:
    pairs = [(person(world), person(world)) for _ in range(PAIRS)]
    notes = {world.write(f"note of {p}", p): pair[1] for pair in pairs for p in pair for _ in "ab"}
    world.tell(*notes)  # these events name the retired records, and are told again below
    with world.running():
        assert world.settled()
        for retired, survivor in pairs:
            merge(world.ehr, retired, survivor, how)
        told = [*notes] * 2
        random.Random(7).shuffle(told)
        world.tell(*told)
        assert world.settled()
    before = world.versions()
    world.log.group_reset(EVENTS_TOPIC, group_of("toy"))
    with world.running():
        assert world.settled()

    assert {world.outcome(reference) for reference in notes} == {"requested"}
    for reference, survivor in notes.items():
        head = world.ehr.head(Answer("toy", reference))
        assert head and head.task["for"]["reference"] == survivor
        report = world.ehr.read(head.outputs["report"])
        assert report and report["subject"]["reference"] == survivor
    assert world.reports() == len(notes)
    assert world.versions() == before, (
        "what the log still holds of before the merge changes nothing"
    )
    assert dead_letters.letters(world.log, "toy") == []


@contextmanager
def planning(world: World) -> Iterator[None]:
    """Treatment at work on the same log."""
    world.log.create_topics(4, ["treatment"])
    settings = world.settings.model_copy(update={"plan_quiet_sec": 0.05})
    line = Line(SERVICE, world.ehr, SERVICE.load(settings), settings, at_ehr(world.ehr))
    runtime, stop = Runtime(line, world.log, Metrics("treatment")), threading.Event()
    thread = threading.Thread(target=runtime.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_SEC)
        assert not thread.is_alive()


def test_a_plan_follows_a_merge_told_under_both_records(world: World) -> None:
    retired, survivor = person(world), person(world)
    drugs = [order("clopidogrel", "32968", mg=75), order("omeprazole", "7646", mg=20)]
    orders = []
    for drug, subject in zip(drugs, (retired, survivor), strict=True):
        body = {k: v for k, v in drug.items() if k not in ("id", "meta")}
        orders.append(world.ehr.create(body | {"subject": codes.reference(subject)}).reference)

    def tell(*subjects: str) -> None:
        for reference, subject in zip(orders, subjects, strict=True):
            told = ResourceEvent(reference, "1", "update", subject=subject, intent="order")
            message = Message(*encode(told, world.ehr.base))
            world.sink.send(EVENTS_TOPIC, [message])

    def settled() -> bool:
        return until(lambda: world.log.group_lag(EVENTS_TOPIC, group_of("treatment")) == 0)

    with planning(world):
        tell(retired, survivor)
        assert settled()
        assert not world.fake.resources("CarePlan"), "neither drug alone is worth a plan"
        merge(world.ehr, retired, survivor)
        for _ in range(3):
            tell(retired, survivor)
        assert settled()
    [plan] = world.fake.resources("CarePlan")
    assert (plan["status"], plan["subject"]["reference"]) == ("draft", survivor)
    assert len(world.ehr.heads(Answer("treatment", survivor))) == 1
    assert world.ehr.head(Answer("treatment", retired)) is None
    assert dead_letters.letters(world.log, "treatment") == []
