"""Line turns: the head has an id of our own, and no search decides alone."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.errors import Conflict
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import Settings
from tests.contract.line.support import change, decide, event, head, run, write
from tests.contract.line_turns.support import another, deny, person, repoint, standing_reports
from tests.fakes import HAPI, SEKMET, FakeEhr, Habits
from tests.toy import TOY, Model

WRITERS = 8
SERVERS = {
    "hapi": HAPI,
    "if-none-match": replace(SEKMET, honours_if_none_match=True),
    "neither": SEKMET,
    "hapi, no batches": replace(HAPI, batches=False),
    "hapi, late index": replace(HAPI, index_late_sec=5.0),
    "if-none-match, late index": replace(SEKMET, honours_if_none_match=True, index_late_sec=5.0),
}
BY_ID = [name for name in SERVERS if name != "neither"]
PROMPT = [name for name in BY_ID if "late" not in name]


@pytest.fixture(params=SERVERS)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    habits: Habits = SERVERS[request.param]
    with FakeEhr(habits) as made:
        yield made


@pytest.fixture
def base(fake: FakeEhr) -> str:
    return fake.base


def until_settled(line: Line, ehr: Ehr, reference: str) -> str:
    while True:
        try:
            return run(line, event(ehr, reference))
        except Conflict:
            continue


def heads_of(fake: FakeEhr, *, closed: bool = False) -> list[str]:
    wanted = {"completed"} if closed else {"requested", "rejected", "failed", "cancelled", "draft"}
    return [
        t["id"]
        for t in fake.resources("Task")
        if t["status"] in wanted and "code" in t and t.get("identifier")
    ]


def test_the_next_version_finds_the_head_of_the_one_before(
    fake: FakeEhr, ehr: Ehr, line: Line, anna: str, tmp_path: Path
) -> None:
    """Also in the process that follows one that was killed, within the seconds of a late index."""
    reference = write(ehr, anna, "one")
    assert run(line, event(ehr, reference)) == "result"
    change(ehr, reference, "one two")
    follower = line if "neither" in fake_name(fake) else another(ehr, tmp_path)
    assert run(follower, event(ehr, reference)) == "result"
    assert run(follower, event(ehr, reference)) == "unchanged"
    assert len(heads_of(fake)) == 1
    [report] = standing_reports(fake)
    assert head(ehr, reference).outputs["report"] == f"DiagnosticReport/{report}"


def test_where_ids_are_the_ehrs_the_process_remembers_its_heads(tmp_path: Path) -> None:
    """The index is late, and nothing else can find them: within one process all is as it should."""
    with FakeEhr(replace(SEKMET, index_late_sec=60.0)) as fake:
        client = open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path))
        ehr = client.able(prove(client))
        line = Line(TOY, ehr, Model(), Settings(fhir_url=ehr.base), at_ehr(ehr))
        reference = write(ehr, person(ehr), "one")
        assert run(line, event(ehr, reference)) == "result"
        change(ehr, reference, "one two")
        assert run(line, event(ehr, reference)) == "result"
        assert len(heads_of(fake)) == len(standing_reports(fake)) == 1


def fake_name(fake: FakeEhr) -> str:
    return next(name for name, habits in SERVERS.items() if habits == fake.habits)


def test_eight_processes_draw_one_result(
    fake: FakeEhr, ehr: Ehr, anna: str, tmp_path: Path
) -> None:
    reference = write(ehr, anna, "one two three")
    lines = [another(ehr, tmp_path) for _ in range(WRITERS)]
    start = threading.Barrier(WRITERS)

    def work(line: Line) -> str:
        start.wait()
        return until_settled(line, ehr, reference)

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = sorted(pool.map(work, lines))
    assert outcomes.count("result") >= 1 and set(outcomes) <= {"result", "unchanged"}
    assert len(heads_of(fake)) == 1
    assert len(standing_reports(fake)) == 1


@pytest.mark.parametrize("fake", BY_ID, indirect=True)
def test_a_head_is_never_there_without_its_result(
    fake: FakeEhr, ehr: Ehr, line: Line, anna: str
) -> None:
    """A crash before the transaction leaves nothing, a refused transaction neither."""
    reference = write(ehr, anna, "one")
    taken = line.take(event(ehr, reference))
    assert not isinstance(taken, str)
    [findings] = TOY.analyze([taken.inputs], line.model)
    fake.faults.fail(1, 422, method="POST", path="")
    with pytest.raises(Exception, match="422"):
        line.put(taken, findings)
    assert heads_of(fake) == []
    assert line.put(taken, findings) == "result"


def test_revisions_follow_each_other(fake: FakeEhr, ehr: Ehr, line: Line, anna: str) -> None:
    reference = write(ehr, anna, "one")
    for number in range(1, 5):
        assert run(line, event(ehr, reference)) == "result"
        found = head(ehr, reference)
        assert found.revision == number
        decide(ehr, found, "signed")
        assert run(line, event(ehr, reference)) == "unchanged"
        change(ehr, reference, "word " * (number + 1))
    assert len(heads_of(fake, closed=True)) == 4


def test_a_head_that_somebody_deleted_is_followed_by_another(
    fake: FakeEhr, ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "one")
    assert run(line, event(ehr, reference)) == "result"
    first = head(ehr, reference)
    fake.rest.delete("Task", first.reference.split("/")[1])
    assert until_settled(line, ehr, reference) == "result"
    assert head(ehr, reference).reference != first.reference


@pytest.mark.parametrize("fake", PROMPT, indirect=True)
def test_a_head_of_a_former_version_of_careloop_is_found(
    fake: FakeEhr, ehr: Ehr, anna: str, tmp_path: Path
) -> None:
    """It has an id of the EHR. (An index that is late by seconds knows it since long.)"""
    former = open_ehr(Settings(fhir_url=ehr.base, state_dir=tmp_path))
    line = Line(TOY, former, Model(), Settings(fhir_url=ehr.base), at_ehr(former))
    reference = write(ehr, anna, "one")
    assert run(line, event(ehr, reference)) == "result"
    change(ehr, reference, "one two")
    now = another(ehr, tmp_path)
    assert run(now, event(ehr, reference)) == "result"
    assert len(heads_of(fake)) == 1


def test_consent_that_is_denied_in_between_is_heard(
    fake: FakeEhr, ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "one")
    taken = line.take(event(ehr, reference))
    assert not isinstance(taken, str)
    deny(ehr, anna)
    [findings] = TOY.analyze([taken.inputs], line.model)
    said = line.put(taken, findings)
    if fake.habits.index_late_sec:
        # What the EHR does not find yet is heard when intake tells of the patient once more.
        assert said == "result"
        fake.habits = replace(fake.habits, index_late_sec=0.0)
        fake.rest.habits = fake.habits
        said = run(line, event(ehr, reference))
    assert said == "not_analysed"
    assert standing_reports(fake) == []
    assert head(ehr, reference).outcome == "rejected"


def test_a_patient_that_moved_in_between_gets_the_one_result(
    fake: FakeEhr, ehr: Ehr, line: Line, anna: str
) -> None:
    berta = person(ehr)
    reference = write(ehr, anna, "one")
    taken = line.take(event(ehr, reference))
    assert not isinstance(taken, str)
    repoint(ehr, reference, berta)
    [findings] = TOY.analyze([taken.inputs], line.model)
    with pytest.raises(Conflict, match="the input changed"):
        line.put(taken, findings)
    assert standing_reports(fake) == []
    assert run(line, event(ehr, reference)) == "result"
    [report] = standing_reports(fake)
    shown = ehr.read(f"DiagnosticReport/{report}")
    assert shown and shown["subject"]["reference"] == berta
    assert head(ehr, reference).task["for"]["reference"] == berta


def test_content_that_was_read_before_its_head_is_not_written(
    fake: FakeEhr, ehr: Ehr, line: Line, anna: str
) -> None:
    """The answers of a batch may be of different moments: the note's, then that of its head."""
    reference = write(ehr, anna, "one two")
    taken = line.take(event(ehr, reference))
    assert isinstance(taken, Case)
    change(ehr, reference, "one two three")
    assert run(line, event(ehr, reference)) == "result"
    late = replace(taken, head=head(ehr, reference))
    [findings] = TOY.analyze([taken.inputs], line.model)
    with pytest.raises(Conflict, match="the input changed"):
        line.put(late, findings)
    [report] = standing_reports(fake)
    shown = ehr.read(f"DiagnosticReport/{report}")
    assert shown and shown["conclusion"] == "3 words"


def test_a_revision_after_one_of_a_former_version_is_read_by_id(tmp_path: Path) -> None:
    """The first head has an id of the EHR and is signed; a late index hides the second."""
    late_sec = 1.0
    with FakeEhr(HAPI) as fake:
        former = open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path))
        before = Line(TOY, former, Model(), Settings(fhir_url=fake.base), at_ehr(former))
        reference = write(former, person(former), "one")
        assert run(before, event(former, reference)) == "result"
        decide(former, head(former, reference), "signed")
        time.sleep(late_sec)

        now = another(former.able(prove(former)), tmp_path)
        fake.rest.habits = replace(HAPI, index_late_sec=late_sec)
        change(former, reference, "one two")
        assert run(now, event(former, reference)) == "result"
        change(former, reference, "one")
        assert run(now, event(former, reference)) == "withdrawn"
        assert {t["status"] for t in fake.resources("Task") if t["id"] in heads_of(fake)} == {
            "cancelled"
        }
