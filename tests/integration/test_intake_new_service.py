"""A service that is installed later: what it answers is swept from the beginning, once."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from services.intake.known.marks import mark_of
from services.intake.state import State
from services.intake.watched import Watch, installed
from shared.events import ResourceEvent, encode
from shared.instants import instant, parse
from tests.toy import TOY

START = "2026-01-01T00:00:00.000Z"
ECG = "http://loinc.org|18844-1"
RECORDING = ResourceEvent(
    "Observation/1", "1", "create", subject="Patient/1", codes=(ECG,), time=START
)


def accepts(event: ResourceEvent) -> bool:
    return ECG in event.codes


def second(number: int) -> str:
    """So many seconds after the recording."""
    return instant(parse(RECORDING.time) + timedelta(seconds=number))


OURS = Watch(tuple(s for s in installed().services if "Observation" not in s.triggers))
WITH_ECG = Watch(
    (
        *OURS.services,
        replace(TOY, name="ecg", triggers=frozenset({"Observation"}), accepts=accepts),
    )
)


def swept_by(path: Path, watch: Watch) -> State:
    """The state after a sweep that found the recording, by an intake that watches this."""
    state = State(path, watch)
    for kind in watch.swept:
        state.advance(kind, START)
    state.remember([RECORDING])
    return state


def test_its_type_is_swept_again_and_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "intake.sqlite"
    swept_by(path, OURS).close()

    state = State(path, WITH_ECG)
    assert state.is_new("Observation/1", mark_of(RECORDING))
    assert state.cursor("Observation") is None
    assert state.cursor("Condition") == START
    state.close()


def test_it_is_swept_again_once(tmp_path: Path) -> None:
    path = tmp_path / "intake.sqlite"
    swept_by(path, WITH_ECG).close()

    state = State(path, WITH_ECG)
    assert not state.is_new("Observation/1", mark_of(RECORDING))
    assert state.cursor("Observation") == START
    state.close()


def test_its_inputs_are_known_by_their_patient_and_laboratory_values_are_not(
    tmp_path: Path,
) -> None:
    state = swept_by(tmp_path / "intake.sqlite", WITH_ECG)
    state.remember([replace(RECORDING, focus="Observation/2", codes=("http://x|sodium",))])

    [page] = state.inputs_of("Patient/1")
    assert [event.focus for event in page] == ["Observation/1"]
    state.close()


def test_an_input_that_changes_its_code_stays_known_by_what_it_is_now(tmp_path: Path) -> None:
    state = swept_by(tmp_path / "intake.sqlite", WITH_ECG)
    changed = replace(RECORDING, version="2", codes=("http://x|sodium",), subject="Patient/2")
    state.remember([changed])

    assert list(state.inputs_of("Patient/1")) == []
    last = state.last("Observation/1")
    assert last is not None and last.codes == ("http://x|sodium",)
    state.close()


def test_what_became_an_input_again_is_known_by_its_newest_version(tmp_path: Path) -> None:
    state = swept_by(tmp_path / "intake.sqlite", WITH_ECG)
    other = replace(RECORDING, version="2", codes=("http://x|sodium",), time=second(2))
    state.remember([other])
    moved = replace(RECORDING, version="3", subject="Patient/2", time=second(3))
    state.remember([moved])

    assert state.last("Observation/1") == moved
    state.close()


REPORT = ResourceEvent(
    "DiagnosticReport/1", "1", "create", subject="Patient/1", answer_of="genomics", time=START
)
VISIT = ResourceEvent("Encounter/1", "1", "create", subject="Patient/1", time=second(1))
WITH_VISITS = Watch(
    (
        *installed().services,
        replace(
            TOY,
            name="visits",
            triggers=frozenset({"Encounter"}),
            accepts=lambda event: event.type == "Encounter",
            input_of=lambda event: event.subject or "",
        ),
    )
)


def test_each_service_per_patient_has_its_plan_drawn_again(tmp_path: Path) -> None:
    state = State(tmp_path / "intake.sqlite", WITH_VISITS)
    state.remember([REPORT, VISIT])

    assert {e.focus for e in state.plans_of("Patient/1")} == {REPORT.focus, VISIT.focus}
    state.close()


def test_the_plans_of_a_former_file_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "intake.sqlite"
    State(path).close()
    with sqlite3.connect(path) as db:
        db.executescript(
            "DROP TABLE plans; CREATE TABLE plans (subject TEXT PRIMARY KEY, instant TEXT NOT NULL,"
            " event BLOB NOT NULL) WITHOUT ROWID; PRAGMA user_version = 1"
        )
        row = (REPORT.subject, REPORT.time, encode(REPORT, "")[1])
        db.execute("INSERT INTO plans VALUES (?, ?, ?)", row)
    db.close()

    for _ in range(2):
        state = State(path)
        assert state.plans_of("Patient/1") == [REPORT]
        state.close()


def test_a_type_that_another_service_watches_already_is_swept_again_too(tmp_path: Path) -> None:
    """What nobody accepted until then was not published."""
    path = tmp_path / "intake.sqlite"
    swept_by(path, WITH_ECG).close()
    second = replace(TOY, name="ecg2", triggers=frozenset({"Observation"}), accepts=accepts)

    state = State(path, Watch((*WITH_ECG.services, second)))
    assert state.cursor("Observation") is None and state.cursor("Condition") == START
    state.close()


def test_a_former_file_is_not_swept_again(tmp_path: Path) -> None:
    path = tmp_path / "intake.sqlite"
    state = swept_by(path, installed())
    inputs = " ".join(installed().inputs)
    state.db.execute("DELETE FROM facts WHERE name = 'wishes'")
    state.db.execute("INSERT INTO facts VALUES ('inputs', ?)", (inputs,))
    state.close()

    state = State(path, installed())
    assert state.cursor("Observation") == state.cursor("ImagingStudy") == START
    state.close()
