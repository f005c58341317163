"""Dead letters: what is kept, what is shown, what a replay does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli.commands.dead_letters import dead_letters
from shared.errors import Misconfigured, PoisonRecord
from shared.runtime.dead_letters import REPLAY_OF, DeadLetter, bury, letters, read, recent, replay
from shared.stream.base import EVENTS_TOPIC, Message, Record, Sink, dead_letter_topic
from shared.stream.memory import MemoryLog
from shared.stream.sqlite import SqliteLog

CANARY = b"Mrs Canary, born 1940"
HEADERS = (("ce_id", b"ImagingStudy/1/_history/1"), ("traceparent", b"00-1"))


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    log.create_topics(3, ["imaging", "notes"])
    return log


@pytest.fixture
def sink(log: MemoryLog) -> Iterator[Sink]:
    sink = log.sink()
    yield sink
    sink.close()


def event(offset: int = 7, partition: int = 2, value: bytes | None = CANARY) -> Record:
    return Record(EVENTS_TOPIC, partition, offset, b"Patient/17", value, HEADERS, 1_000.0)


def raised() -> Exception:
    try:
        raise KeyError(CANARY.decode())
    except KeyError as error:
        return error


def test_a_letter_holds_the_record_and_what_happened(log: MemoryLog, sink: Sink) -> None:
    before = datetime.now(UTC).timestamp()
    bury(sink, "imaging", event(), PoisonRecord("not JSON at position 4"), 3)
    [letter] = letters(log, "imaging")
    assert before - 1 <= letter.time <= before + 5
    assert letter == DeadLetter(
        "imaging",
        "PoisonRecord",
        "not JSON at position 4",
        EVENTS_TOPIC,
        2,
        7,
        3,
        letter.time,
        False,
        b"Patient/17",
        CANARY,
        HEADERS,
    )
    assert (letter.id, letter.place) == ("2-7", "careloop.events/2/7")
    assert letters(log, "notes") == []


def test_of_a_foreign_error_the_place_is_kept_and_not_the_text(log: MemoryLog, sink: Sink) -> None:
    bury(sink, "imaging", event(value=b""), raised(), 3)
    [record] = log.scan(dead_letter_topic("imaging"))
    assert CANARY.split()[1] not in repr(record).encode()
    [letter] = letters(log, "imaging")
    assert letter.error == "KeyError"
    assert letter.message.startswith("in tests/unit/test_dead_letters.py, line ")


def test_one_record_has_one_letter_however_often_it_was_buried(log: MemoryLog, sink: Sink) -> None:
    bury(sink, "imaging", event(), PoisonRecord("first"), 3)
    first = letters(log, "imaging")[0].time
    bury(sink, "imaging", event(8), PoisonRecord("another"), 1)
    bury(sink, "imaging", event(), PoisonRecord("first, after a crash"), 4)
    assert [(letter.id, letter.message, letter.attempts) for letter in letters(log, "imaging")] == [
        ("2-7", "first, after a crash", 4),
        ("2-8", "another", 1),
    ]
    assert letters(log, "imaging")[0].time == first


def test_a_replay_appends_the_record_and_marks_the_letter(log: MemoryLog, sink: Sink) -> None:
    bury(sink, "imaging", event(7), PoisonRecord("x"), 3)
    bury(sink, "imaging", event(8, value=None), PoisonRecord("x"), 3)
    assert [letter.id for letter in replay(log, sink, "imaging", ["2-8"])] == ["2-8"]
    [again] = log.scan(EVENTS_TOPIC)
    assert (again.key, again.value, tuple(again.headers)) == (
        b"Patient/17",
        None,
        (*HEADERS, (REPLAY_OF, b"careloop.events/2/8")),
    )
    assert {letter.id: letter.replayed for letter in letters(log, "imaging")} == {
        "2-7": False,
        "2-8": True,
    }
    assert recent(log, "imaging", 600) == 1


def test_a_replay_that_fails_again_names_its_own_origin_only(log: MemoryLog, sink: Sink) -> None:
    bury(sink, "imaging", event(7), PoisonRecord("x"), 3)
    replay(log, sink, "imaging", ["2-7"])
    [again] = log.scan(EVENTS_TOPIC)
    bury(sink, "imaging", again, PoisonRecord("x"), 3)
    replay(log, sink, "imaging", [f"{again.partition}-{again.offset}"])
    *_, last = log.scan(EVENTS_TOPIC)
    assert [value for name, value in last.headers if name == REPLAY_OF] == [
        f"careloop.events/{again.partition}/{again.offset}".encode()
    ]
    assert all(letter.replayed for letter in letters(log, "imaging"))


def test_a_letter_buried_again_after_its_replay_is_open(log: MemoryLog, sink: Sink) -> None:
    bury(sink, "imaging", event(), PoisonRecord("x"), 3)
    replay(log, sink, "imaging", ["2-7"])
    bury(sink, "imaging", event(), PoisonRecord("x"), 3)
    assert [letter.replayed for letter in letters(log, "imaging")] == [False]


def test_an_unknown_letter_stops_the_replay_before_it_begins(log: MemoryLog, sink: Sink) -> None:
    bury(sink, "imaging", event(), PoisonRecord("x"), 3)
    with pytest.raises(Misconfigured, match="no dead letter 9-9"):
        replay(log, sink, "imaging", ["2-7", "9-9"])
    assert list(log.scan(EVENTS_TOPIC)) == []


def test_recent_counts_what_came_within_the_window(
    log: MemoryLog, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for offset in range(4):
        bury(sink, "imaging", event(offset), PoisonRecord("x"), 3)
    assert recent(log, "imaging", 600) == 4
    now = letters(log, "imaging")[-1].time
    monkeypatch.setattr("shared.runtime.dead_letters.time.time", lambda: now + 601)
    assert recent(log, "imaging", 600) == 0


def test_what_is_not_ours_in_the_topic_is_passed_over(log: MemoryLog, sink: Sink) -> None:
    topic = dead_letter_topic("imaging")
    sink.send(
        topic,
        [
            Message(b"k", b"v"),
            Message(b"k", b"v", [("careloop-error", b"X")]),
            Message(b"k", None, [("careloop-replayed", b"a/0/0")]),
        ],
    )
    assert letters(log, "imaging") == []
    assert read([]) == []


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteLog:
    """A log on disk as the command line finds it, with one letter."""
    monkeypatch.setenv("CARELOOP_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("CARELOOP_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    log = SqliteLog(tmp_path / "events.sqlite")
    log.create_topics(3, ["imaging"])
    sink = log.sink()
    bury(sink, "imaging", event(), PoisonRecord("not JSON at position 4"), 3)
    sink.close()
    return log


def careloop(*arguments: str) -> Result:
    return CliRunner().invoke(dead_letters, arguments, env={"COLUMNS": "140"})


@pytest.mark.usefixtures("state")
def test_list_shows_no_value() -> None:
    told = careloop("list")
    assert told.exit_code == 0
    assert all(
        word in told.output for word in ("imaging", "2-7", "PoisonRecord", "not JSON at position 4")
    )
    [letter] = json.loads(careloop("list", "--json", "--service", "imaging").output)
    assert letter["place"] == "careloop.events/2/7"
    assert "Canary" not in told.output + json.dumps(letter)


@pytest.mark.usefixtures("state")
def test_show_gives_the_value_only_when_asked() -> None:
    assert "Canary" not in careloop("show", "--service", "imaging", "2-7").output
    assert "Canary" not in careloop("show", "--service", "imaging", "2-7", "--json").output
    assert (
        "Mrs Canary, born 1940" in careloop("show", "--service", "imaging", "2-7", "--value").output
    )
    missing = careloop("show", "--service", "imaging", "1-1")
    assert (missing.exit_code, "no dead letter 1-1" in missing.output) == (1, True)


def test_replay_by_id_and_all(state: SqliteLog) -> None:
    assert careloop("replay", "--service", "imaging").exit_code == 2
    assert json.loads(careloop("replay", "--service", "imaging", "2-7", "--json").output) == ["2-7"]
    assert json.loads(careloop("replay", "--service", "imaging", "--all", "--json").output) == []
    assert [record.value for record in state.scan(EVENTS_TOPIC)] == [CANARY]
    assert json.loads(careloop("list", "--json").output)[0]["replayed"] is True


def test_without_letters_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_STATE_DIR", str(tmp_path))
    assert careloop("list").output == "No dead letters.\n"
