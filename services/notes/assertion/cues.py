"""The cues of `data/cues.toml` in a sentence (pure)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Final

from services.notes.assertion.tokens import TOKEN
from services.notes.reading.tables import table

YEAR: Final = re.compile(r"(?:19|20)\d\d")
PARTS: Final = re.compile(rf"<[nytw]>|{TOKEN.pattern}")


@dataclass(frozen=True)
class Cue:
    """What one phrase says.

    Attributes:
        words: its words; a slot stands for any word of a kind.
        category: of a modifier, `negated`; empty of a wall.
        forward, backward: what it modifies.
        within: how many words its scope reaches, 0: to the end of the clause.
        bare: a comma ends its scope, unless a bare list follows.
        of: the kind of thing that it speaks of; empty: of any.
        through: no new predicate ends its scope.
        ends: of a wall: the categories whose scope it ends.
        hard: of a wall: it ends every scope, however near.
    """

    words: tuple[str, ...]
    category: str = ""
    forward: bool = False
    backward: bool = False
    within: int = 0
    bare: bool = False
    through: bool = False
    of: str = ""
    ends: frozenset[str] = frozenset()
    hard: bool = False


@dataclass(frozen=True)
class Node:
    """A place within phrases: the cues that end here, and what may follow."""

    cues: list[Cue] = field(default_factory=list)
    following: dict[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True)
class Hit:
    """All cues of the longest phrase at one place, tokens `first` to `last`."""

    first: int
    last: int
    cues: tuple[Cue, ...]


@cache
def _units() -> frozenset[str]:
    return frozenset(table("cues")["units"])


SLOTS: Final[Mapping[str, Callable[[str], bool]]] = {
    "<n>": lambda word: word[0].isdigit(),
    "<y>": lambda word: YEAR.fullmatch(word) is not None,
    "<t>": lambda word: word in _units(),
    "<w>": lambda word: word.isalpha(),
}


def hits_in(words: Sequence[str], taken: Sequence[bool], of: str) -> Iterator[Hit]:
    """Yield the cues of a sentence, left to right, the longest at each place.

    Args:
        words: lower case.
        taken: which words belong to what the sentence names; no cue stands there.
        of: `drug`: the cues of drugs, too.
    """
    at = 0
    while at < len(words):
        found = () if taken[at] else _longest(words, taken, at, of)
        if found:
            size = len(found[0].words)
            yield Hit(at, at + size - 1, found)
            at += size
        else:
            at += 1


def _longest(words: Sequence[str], taken: Sequence[bool], at: int, of: str) -> tuple[Cue, ...]:
    found: tuple[Cue, ...] = ()
    nodes = [_tree(of)]
    while nodes and at < len(words) and not taken[at]:
        parts = _parts(words[at])
        nodes = [node.following[p] for node in nodes for p in parts if p in node.following]
        found = tuple(cue for node in nodes for cue in node.cues) or found
        at += 1
    return found


@lru_cache(maxsize=4096)
def _parts(word: str) -> tuple[str, ...]:
    """Return the word, and the slots that it fills."""
    return word, *(slot for slot, fits in SLOTS.items() if fits(word))


@cache
def _tree(of: str) -> Node:
    """All phrases of cues, word after word."""
    root = Node()
    for cue in (c for c in _cues() if c.of in ("", of)):
        node = root
        for word in cue.words:
            node = node.following.setdefault(word, Node())
        node.cues.append(cue)
    return root


def _cues() -> Iterator[Cue]:
    for entry in table("cues")["cues"]:
        for phrase in entry["phrases"]:
            yield _modifier(_words(phrase), entry)
    for entry in table("cues")["walls"]:
        for phrase in entry["phrases"]:
            yield Cue(_words(phrase), ends=frozenset(entry["ends"]), hard=entry.get("hard", False))


def _modifier(words: tuple[str, ...], entry: Mapping[str, Any]) -> Cue:
    direction = entry["direction"]
    return Cue(
        words,
        entry["category"],
        direction != "backward",
        direction != "forward",
        entry.get("within", 0),
        entry.get("bare", False),
        entry.get("through", False),
        entry.get("of", ""),
    )


def _words(phrase: str) -> tuple[str, ...]:
    return tuple(PARTS.findall(phrase))
