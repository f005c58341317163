"""What of the worklist is asked for, as SQL (pure)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.review.person.folding import folded
from services.review.worklist.kept.patients import RELATED
from shared.fhir.urgency.priority import PRIORITIES

WAITING: Final = "requested"
KEYS: Final = {True: ("rank", "seen", "since", "task"), False: ("changed", "task")}
"""What waits is sorted by urgency, then what nobody has acknowledged, then oldest first.

So what is overdue comes first in its class. All else is sorted newest first.
"""
NUMBERS: Final = {"rank": tuple(map(str, range(len(PRIORITIES)))), "seen": ("0", "1")}
"""Columns of numbers among them, and how a link writes each number that they may hold."""
SEPARATOR: Final = "~"
NOBODY: Final = ""
OF_PERSON: Final = f"subject IN ({RELATED}SELECT record FROM person)"  # noqa: S608  # our own text

Where = tuple[str, list[object]]
"""A condition, and its parameters."""


@dataclass(frozen=True)
class Allowed:
    """What a reader may see of the worklist.

    Attributes:
        words: tells whether results of this service, with these report categories, may be searched
            by their words; one without a report has none. None: all may.
        patients: `Patient/id` of each record whose results are listed. None: everybody's.
    """

    words: Callable[[str, frozenset[str]], bool] | None = None
    patients: frozenset[str] | None = None


EVERYTHING: Final = Allowed()


@dataclass(frozen=True)
class Filter:
    """What of the worklist is asked for; what is empty or None does not narrow it.

    Attributes:
        patient: beginnings of a patient's names, an identifier or an id. All records of the person
            count: a signed result stays where it was signed.
        priority: one of R4's request-priority.
        before: only what was begun before this instant (UTC).
        owner: `Practitioner/id`; `NOBODY`: what nobody has claimed.
        text: words of its line, its reason or its title.
        unseen: what waits, and nobody has acknowledged: of each place among the priorities what
            waits since this instant or longer. None: all of it.
    """

    outcome: str = WAITING
    service: str = ""
    patient: str = ""
    priority: str = ""
    before: str = ""
    owner: str | None = None
    text: str = ""
    unseen: Sequence[tuple[int, str]] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that it is sorted by."""
        return KEYS[self.outcome == WAITING]


@dataclass(frozen=True)
class Place:
    """Where a page begins.

    Attributes:
        key: the key of an entry.
        is_before: the page ends before it; else it begins after it.
    """

    key: tuple[str, ...]
    is_before: bool = False


def place_of(text: str, wanted: Filter, *, is_before: bool) -> Place:
    """Read a place as the pages' links write it.

    Raises:
        ValueError: it is none of this list.
    """
    key = tuple(text.split(SEPARATOR))
    named = list(zip(wanted.keys, key, strict=False))
    if len(key) != len(wanted.keys) or any(p not in NUMBERS.get(n, (p,)) for n, p in named):
        raise ValueError("no place of this list")
    return Place(key, is_before)


def where(wanted: Filter, kinds: Sequence[tuple[str, str]] | None, allowed: Allowed) -> Where:
    """Write the condition, all but the outcome.

    Args:
        kinds: the pairs of service and categories whose words may be searched; None: all.
    """
    parts: list[Where] = []
    for column in ("service", "owner"):
        if (value := getattr(wanted, column)) or (column == "owner" and value is not None):
            parts.append((f"{column} = ?", [value]))
    if wanted.priority in PRIORITIES:
        parts.append(("rank = ?", [PRIORITIES.index(wanted.priority)]))
    if wanted.unseen is not None:
        parts.append(_unseen(wanted.unseen))
    if wanted.before:
        parts.append(("created < ?", [wanted.before]))
    if wanted.patient.strip():
        parts.append(_of_person(wanted.patient.split()))
    if wanted.text.strip():
        parts += [("words LIKE ? ESCAPE '\\'", [_like(word)]) for word in wanted.text.split()]
        parts += _searched(kinds)
    if allowed.patients is not None:
        records = json.dumps(sorted(allowed.patients))
        parts.append(("subject IN (SELECT value FROM json_each(?))", [records]))
    sql = " AND ".join(f"({condition})" for condition, _ in parts) or "1"
    return sql, [value for _, values in parts for value in values]


def _unseen(deadlines: Sequence[tuple[int, str]]) -> Where:
    each = " OR ".join("(rank = ? AND since <= ?)" for _ in deadlines) or "0"
    values: list[object] = [value for pair in deadlines for value in pair]
    return f"outcome = '{WAITING}' AND seen = 0 AND ({each})", values


def _searched(kinds: Sequence[tuple[str, str]] | None) -> list[Where]:
    if kinds is None:
        return []
    pairs = json.dumps([f"{service} {categories}" for service, categories in kinds])
    return [("service || ' ' || categories IN (SELECT value FROM json_each(?))", [pairs])]


def _of_person(words: Sequence[str]) -> Where:
    plain = [word.removeprefix("Patient/") for word in words]
    names = " AND ".join("words LIKE ? ESCAPE '\\'" for _ in plain)
    first, values = f"SELECT reference FROM patients WHERE {names}", [_like(w, " ") for w in plain]  # noqa: S608
    if len(plain) == 1:  # the record of this id may be gone, and its results stand
        first, values = f"{first} UNION SELECT ?", [*values, f"Patient/{plain[0]}"]
    return OF_PERSON.format(first=first), list(values)


def _like(word: str, before: str = "") -> str:
    # Of an accent alone nothing is left: it finds nothing, not everything.
    found = folded(word) or word
    escaped = "".join(f"\\{c}" if c in "\\%_" else c for c in found)
    return f"%{before}{escaped}%"


def beyond(wanted: Filter, place: Place) -> tuple[str, str, list[object]]:
    """Write the condition of a place, and the order in which its page is read."""
    ascending = (wanted.outcome == WAITING) != place.is_before
    columns, marks = ", ".join(wanted.keys), ", ".join("?" for _ in wanted.keys)
    values: list[object] = [
        int(part) if name in NUMBERS else part
        for name, part in zip(wanted.keys, place.key, strict=True)
    ]
    return f"({columns}) {'>' if ascending else '<'} ({marks})", order(wanted, place), values


def order(wanted: Filter, place: Place | None = None) -> str:
    """Write the order in which a page is read."""
    backwards = place is not None and place.is_before
    ascending = (wanted.outcome == WAITING) != backwards
    return ", ".join(f"{column} {'ASC' if ascending else 'DESC'}" for column in wanted.keys)
