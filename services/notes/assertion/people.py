"""Whose problem a sentence names (pure).

A relative is one who is ill (`her sister has lupus`), one who tells (`father states he had a
seizure`) or one who came along (`brought in by his mother`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from services.notes.assertion.scope import REACH, Sentence, between
from services.notes.reading.tables import table

TELLS_WITHIN: Final = 9
"""Words from a person to the verb: `his mother, who is here, states`."""
SUFFERS: Final = frozenset({"has", "had", "have", "died", "suffers", "suffered", "diagnosed"})
AWAY: Final = 5
"""Words from a problem to the relative after it: `in a first-degree relative`."""
POSSESSIVES: Final = frozenset({"his", "her", "their", "my", "the", "a", "an", "patient's", "'s"})
MARKS: Final = frozenset({"(", "-", ":", ","})
STOPS: Final = frozenset({".", ";"})


def people(sentence: Sentence) -> list[str]:
    """Return of each target whose it is: `patient`, `family` or `other`."""
    whose = ["patient"] * len(sentence.targets)
    for at, person in _sufferers(sentence):
        for number, target in enumerate(sentence.targets):
            if _owns(sentence, at, target):
                whose[number] = person
    return whose


def _sufferers(sentence: Sentence) -> Iterator[tuple[int, str]]:
    words = [t.word for t in sentence.tokens]
    for at, word in enumerate(words):
        person = _persons().get(word.removesuffix("'s"))
        if person and not _tells(words, at) and not _came_along(words, at):
            yield at, person


def _tells(words: Sequence[str], at: int) -> bool:
    after = words[at + 1 : at + 1 + TELLS_WITHIN]
    ends = next((i for i, w in enumerate(after) if w in STOPS | SUFFERS), len(after))
    return bool(_listed("informs").intersection(after[:ends]))


def _came_along(words: Sequence[str], at: int) -> bool:
    before = [w for w in words[max(at - 3, 0) : at] if w not in POSSESSIVES]
    if not before or before[-1] not in _listed("companions"):
        return False
    # `sister with lupus` and `mother and father with gout` are said of them
    return before[-1] != "and" or _came_along(words, at - len(before))


def _owns(sentence: Sentence, at: int, target: tuple[int, int]) -> bool:
    """Tell whether the person at a word is the one who has the target."""
    first, last = target
    tokens = sentence.tokens
    if first > at:
        return not _parted(sentence, at, first)
    if at - last > REACH:
        return False
    between = [t.word for t in tokens[last + 1 : at]]
    joined = [w for w in between if w not in POSSESSIVES]
    if not joined or len(joined) > AWAY:
        return False
    return joined[0] in _listed("sufferers") or (
        len(joined) <= 2 and joined[-1] in _listed("sufferers") | MARKS - {","}
    )


def _parted(sentence: Sentence, at: int, first: int) -> bool:
    if between(sentence.walls.get("family", ()), at, first):
        return True
    return first - at > REACH or any(t.word in STOPS for t in sentence.tokens[at:first])


@cache
def _persons() -> Mapping[str, str]:
    return {word: who for who in ("family", "other") for word in table("cues")["people"][who]}


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(table("cues")["people"][name])
