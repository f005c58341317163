"""The reckoning of tests/kills finds what is planted: lost, doubled, orphaned, changed late."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from benchmarks.report.markers import END
from shared import instants
from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.fhir import codes, heads, lifecycle
from shared.json import Json
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings
from tests.contract.line.support import event, head, run, write
from tests.fakes import HAPI, FakeEhr
from tests.kills.plan import plan
from tests.kills.reckoning import Reckoning, reckon
from tests.kills.standing import changes
from tests.kills.table import BEGIN, into
from tests.toy import TOY, Model


@dataclass(frozen=True)
class World:
    """An EHR with two notes, both answered."""

    ehr: Ehr
    notes: tuple[str, str]

    def reckoning(self, *more: str) -> Reckoning:
        owed = {Answer("toy", note) for note in (*self.notes, *more)}
        written = [r for kind in lifecycle.STATUS for r in self.ehr.search(kind, {})]
        return reckon(owed, self.ehr.search("Task", {}), written)

    def report(self) -> Json:
        found = self.ehr.read(head(self.ehr, self.notes[0]).outputs["report"])
        assert found
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with (
        FakeEhr(HAPI) as fake,
        open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path)) as ehr,
    ):
        patient = ehr.create({"resourceType": "Patient"}).reference
        first, second = write(ehr, patient, "one two"), write(ehr, patient, "three")
        settings = Settings(fhir_url=ehr.base, state_dir=tmp_path)
        line = Line(TOY, ehr, Model(), settings, at_ehr(ehr))
        assert {run(line, event(ehr, note)) for note in (first, second)} == {"result"}
        yield World(ehr, (first, second))


def copied(resource: Json) -> Json:
    return {k: v for k, v in resource.items() if k not in ("id", "meta")} | {
        "meta": {"security": resource.get("meta", {}).get("security", [])}
    }


def test_a_sound_world_has_no_fault(world: World) -> None:
    found = world.reckoning()
    assert (found.expected, found.outcomes, found.faults) == (2, {"requested": 2}, [])


def test_an_input_without_a_head_is_lost(world: World) -> None:
    assert world.reckoning("DocumentReference/none").lost == ["toy of DocumentReference/none"]


def test_a_head_without_an_outcome_is_lost(world: World) -> None:
    answer = Answer("toy", "DocumentReference/begun")
    device = world.ehr.create({"resourceType": "Device"}).reference
    world.ehr.create(
        heads.first_draft(answer, 1, subject=None, device=device, now=instants.now())
        | {"focus": {"display": "begun"}}
    )
    found = world.reckoning("DocumentReference/begun")
    assert found.lost == ["toy of DocumentReference/begun"]


def test_two_heads_of_one_revision_are_doubled(world: World) -> None:
    task = head(world.ehr, world.notes[0]).task
    world.ehr.create(copied(task))
    [told] = world.reckoning().doubled
    assert told.startswith(f"toy of {world.notes[0]}: ")


def test_two_open_revisions_of_one_answer_are_doubled(world: World) -> None:
    task = copied(head(world.ehr, world.notes[0]).task)
    answer = Answer("toy", world.notes[0])
    for identifier in task["identifier"]:
        if identifier["system"] == codes.REVISION:
            identifier["value"] = answer.revision_token(2)
    world.ehr.create(task)
    assert len(world.reckoning().doubled) == 1


def test_two_standing_reports_of_one_answer_are_doubled(world: World) -> None:
    report = world.report()
    twin = world.ehr.create(copied(report)).reference
    found = world.reckoning()
    assert list(found.doubled) == [f"{twin} beside DiagnosticReport/{report['id']}"]
    assert list(found.orphans) == []


def test_a_draft_that_no_head_lists_is_an_orphan(world: World) -> None:
    stray = copied(world.report())
    for identifier in stray["identifier"]:
        if identifier["system"] == codes.RESOURCE:
            identifier["value"] = f"urn:uuid:{uuid4()}"
    reference = world.ehr.create(stray).reference
    assert list(world.reckoning().orphans) == [reference]


def test_what_was_taken_back_is_no_orphan(world: World) -> None:
    stray = lifecycle.at_stage(copied(world.report()), "rejected")
    world.ehr.create(stray)
    assert world.reckoning().faults == []


def test_a_head_that_nobody_expects_is_surplus(world: World) -> None:
    tasks = list(world.ehr.search("Task", {}))
    found = reckon([Answer("toy", world.notes[0])], tasks, [])
    assert list(found.surplus) == [head(world.ehr, world.notes[1]).reference]


def test_a_late_change_is_found_and_an_earlier_one_is_not(world: World) -> None:
    since = instants.now()
    report = world.report()
    assert changes(world.ehr, since) == []
    world.ehr.update(report | {"conclusion": "changed"}, report["meta"]["versionId"])
    version = int(report["meta"]["versionId"]) + 1
    assert changes(world.ehr, since) == [f"DiagnosticReport/{report['id']}/_history/{version}"]


def test_a_late_creation_is_found(world: World) -> None:
    since = instants.now()
    created = world.ehr.create(copied(world.report())).reference
    assert [c.split("/_history")[0] for c in changes(world.ehr, since)] == [created]


def test_one_seed_is_one_plan() -> None:
    services = ("intake", "notes")
    first = plan(7, 20, 5, services, ["broker"])
    assert first == plan(7, 20, 5, services, ["broker"])
    assert first != plan(8, 20, 5, services, ["broker"])
    assert [kill.victim for kill in first.kills].count("broker") == 1
    assert (len(first.kills), len(first.loads)) == (6, 20)
    assert all(0 <= kill.at_sec <= first.load_sec for kill in first.kills)


def test_the_table_replaces_what_stands_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    into(page, "new\n")
    assert page.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    page.write_text("no markers")
    with pytest.raises(ValueError, match="no markers"):
        into(page, "new\n")
