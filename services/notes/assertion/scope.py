"""Which cues of a sentence speak of what it names (pure).

A cue reaches over its clause: to a wall (`but`, `admits to`), out of no bracket, over a comma only
where a list goes on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.notes.assertion.cues import Cue, Hit, hits_in
from services.notes.assertion.lists import Lists, lists_of
from services.notes.assertion.tokens import Token, tokens_of
from services.notes.reading.tables import table

Span = tuple[int, int]
Cues = Mapping[str, int]
"""What is said of something: category -> words to its nearest cue."""
REACH: Final = 80
"""Words that any scope reaches at most."""
REMARK: Final = 3
"""Words, its bracket among them, before the cue of a remark: `(pt stopped)`."""
NEAR: Final = 2
"""Words after a cue in which no new clause begins: `denies having`, `denies he has`."""
SHORT: Final = 3
"""Letters of an abbreviation: `Dr.`, `tab.`."""


@dataclass(frozen=True)
class Sentence:
    """A sentence in words.

    Attributes:
        tokens: its words.
        targets: what it names, as first and last word of each.
        kinds: what each of them is.
        hits: its cues.
        drug_hits: its cues with the problems that it names among them: `hives with`.
        walls: where scopes end: category -> places of walls, in order.
        hard: the places at which every scope ends, however near.
        lists: its commas, and what they part.
    """

    tokens: Sequence[Token]
    targets: Sequence[Span]
    kinds: Sequence[str]
    hits: Sequence[Hit]
    drug_hits: Sequence[Hit]
    walls: Mapping[str, Sequence[int]]
    hard: Mapping[str, Sequence[int]]
    lists: Lists


def sentence_of(text: str, span: Span, targets: Sequence[Span], kinds: Sequence[str]) -> Sentence:
    """Find the words and the cues of a sentence.

    Targets are offsets in `text`.
    """
    tokens = tokens_of(text, *span)
    starts = [t.start for t in tokens]
    places = [(bisect_right(starts, a) - 1, bisect_left(starts, b) - 1) for a, b in targets]
    words = [t.word for t in tokens]
    named = _taken(places, len(words))
    hits = list(hits_in(words, named, ""))
    drugs = [place for place, kind in zip(places, kinds, strict=True) if kind == "drug"]
    drug_hits = list(hits_in(words, _taken(drugs, len(words)), "drug")) if drugs else []
    walls, hard = (_walls(tokens, hits, hard=only) for only in (False, True))
    lists = lists_of(words, named)
    return Sentence(tokens, places, kinds, hits, drug_hits, walls, hard, lists)


def _taken(places: Sequence[Span], size: int) -> list[bool]:
    taken = [False] * size
    for first, last in places:
        taken[first : last + 1] = [True] * (last + 1 - first)
    return taken


def _walls(
    tokens: Sequence[Token], hits: Sequence[Hit], *, hard: bool
) -> Mapping[str, Sequence[int]]:
    found: dict[str, list[int]] = {}
    for hit in hits:
        for category in {c for cue in hit.cues if cue.hard >= hard for c in cue.ends}:
            found.setdefault(category, []).append(hit.first)
    stops = [i for i in range(1, len(tokens) - 1) if _is_stop(tokens, i)]
    return {c: sorted([*found.get(c, ()), *stops]) for c in table("cues")["categories"]}


def _is_stop(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a full stop ends a sentence.

    A word stands before it, and a blank after it.
    """
    before, stop, after = tokens[at - 1 : at + 2]
    is_word = len(before.word) > SHORT and before.word.isalpha() and before.end == stop.start
    return stop.word == "." and is_word and after.start > stop.end


def categories(sentence: Sentence) -> list[Cues]:
    """Return what the sentence says of each target."""
    return [
        {**_said(sentence, sentence.hits, "", target), **_of_drug(sentence, kind, target)}
        for kind, target in zip(sentence.kinds, sentence.targets, strict=True)
    ]


def _first(hit: Hit) -> int:
    return hit.first


def _of_drug(sentence: Sentence, kind: str, target: Span) -> Cues:
    return _said(sentence, sentence.drug_hits, "drug", target) if kind == "drug" else {}


def _said(sentence: Sentence, hits: Sequence[Hit], of: str, target: Span) -> Cues:
    said: dict[str, int] = {}
    first, last = target
    near = slice(
        bisect_left(hits, first - REACH, key=_first), bisect_right(hits, last + REACH, key=_first)
    )
    for hit in hits[near]:
        gap = max(first - hit.last, hit.first - last)
        for cue in hit.cues:
            speaks = cue.category and cue.of == of and gap < said.get(cue.category, REACH)
            if speaks and _reaches(sentence, hit, cue, target):
                said[cue.category] = gap
    return said


def _reaches(sentence: Sentence, hit: Hit, cue: Cue, target: Span) -> bool:
    first, last = target
    if cue.forward and first > hit.last:
        return _forward(sentence, hit, cue, first)
    return cue.backward and last < hit.first and _backward(sentence, hit, cue, last)


def _forward(sentence: Sentence, hit: Hit, cue: Cue, first: int) -> bool:
    if cue.within and first - hit.last > cue.within + 1:
        return False
    tokens = sentence.tokens
    if tokens[hit.first].group not in (0, tokens[first].group):
        return False  # no cue reaches out of its bracket
    near = first if cue.through else hit.last + NEAR + 1
    if between(sentence.hard.get(cue.category, ()), hit.last, first) or between(
        sentence.walls.get(cue.category, ()), near - 1, first
    ):
        return False
    return _list_goes_on(sentence, hit, cue, first)


def _backward(sentence: Sentence, hit: Hit, cue: Cue, last: int) -> bool:
    gap = hit.first - last - 1
    if gap > (cue.within or REACH):
        return False
    tokens = sentence.tokens
    words = [t.word for t in tokens[last + 1 : hit.first]]
    if tokens[hit.first].group != tokens[last].group:
        return _remarks(words)
    if between(sentence.walls.get(cue.category, ()), last, hit.first):
        return False
    commas = words.count(",")
    last_comma = commas == 1 and words[-1] == ","
    return not commas or last_comma or bool({"and", "or", "nor"} & set(words))


def _remarks(words: Sequence[str]) -> bool:
    """Tell whether a remark is on what stands before its bracket: `5 mg (pt stopped)`."""
    if words.count("(") != 1:
        return False
    opened = words.index("(")
    return len(words) - opened <= REMARK and not {",", ";", "."} & set(words[:opened])


def between(places: Sequence[int], after: int, before: int) -> bool:
    """Tell whether one of these places, in order, lies between two others."""
    at = bisect_right(places, after)
    return at < len(places) and places[at] < before


def _list_goes_on(sentence: Sentence, hit: Hit, cue: Cue, first: int) -> bool:
    """Tell whether each comma between a cue and its target continues one list."""
    lists, tokens = sentence.lists, sentence.tokens
    inside = lists.commas[bisect_right(lists.commas, hit.last) : bisect_left(lists.commas, first)]
    commas = [i for i in inside if tokens[i].group in (0, tokens[first].group)]
    if not commas or cue.of or cue.category in ("historical", "family"):
        return True
    end = min(_clause_end(sentence, first), first + REACH)
    if between(lists.alternatives, commas[-1], end):
        return True
    ends = lists.unbare if cue.bare else lists.asserting
    return not any(comma in ends for comma in commas)


def _clause_end(sentence: Sentence, first: int) -> int:
    walls = sentence.walls.get("negated", ())
    at = bisect_right(walls, first)
    return walls[at] if at < len(walls) else len(sentence.tokens)
