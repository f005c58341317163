"""A clinical note with what was found in it marked (pure)."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from services.review import present
from services.review.panels import certainty
from shared.fhir import codes, lifecycle
from shared.json import Json
from shared.text.doors.opened import Opened
from shared.text.doors.opened import Span as Place

# parts: start, end (code points of the attachment's source), attachment (from 0; where there are
# several), kind, section, assertion, text
NOTE_MENTION: Final = f"{codes.NS}/StructureDefinition/note-mention"
ASIDE: Final = "aside"
NOT_COUNTED: Final = "not the patient's own and current"
ASSERTIONS: Final[Mapping[str, str]] = {
    "negated": "the note denies it",
    "possible": "the note is not sure of it",
    "hypothetical": "the note only considers it",
    "other": "of somebody else, no relative",
    "mentioned": "named, not said to be taken",
    "historical": "of the past",
    "family": "about a relative",
    "allergy": "an allergy to it",
    "stopped": "no longer taken",
}
"""How the note speaks of what is not the patient's own and current, in words."""


@dataclass(frozen=True)
class Span:
    """Where something stands in the note, in code points, end exclusive.

    Attributes:
        sort: `problem`, `drug`, or `aside` for what was read as negated, past, somebody else's, ...
        label: what it was taken for.
        assertion: how the note speaks of it, `negated`; `present`: the patient's own and current.
        attachment: in which attachment; None: the record does not say.
    """

    start: int
    end: int
    sort: str
    label: str
    assertion: str = "present"
    attachment: int | None = None


@dataclass(frozen=True)
class Segment:
    """A piece of the note: no `labels` on plain text.

    Attributes:
        sort: of the first span over it.
        signs: of the meanings of the spans that end with it.
        struck: the note shows it struck out.
    """

    text: str
    sort: str
    labels: tuple[str, ...]
    signs: tuple[str, ...] = ()
    struck: bool = False


@dataclass(frozen=True)
class Meaning:
    """What marks in the note mean.

    Attributes:
        sign: stands behind each of the marks: `drug 2`, `negated 3`.
        words: of the note, each once.
        text: what they were taken for.
    """

    sign: str
    sort: str
    words: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Problem:
    """One Condition drawn from the note, with the words it rests on.

    Attributes:
        confidence: 0..1, or None where the model gives none; it orders problems, no more.
        certainty: how sure the model is, in words.
    """

    key: str
    name: str
    quotes: tuple[str, ...]
    confidence: float | None
    certainty: str
    note: str
    status: str


def problems(outputs: Mapping[str, Json]) -> list[Problem]:
    """The Conditions, surest first."""
    made = [problem(key, r) for key, r in outputs.items() if r["resourceType"] == "Condition"]
    ranks = certainty.ranks([p.confidence for p in made])
    worded = [replace(p, certainty=rank) for p, rank in zip(made, ranks, strict=True)]
    return sorted(worded, key=lambda p: -(p.confidence or 0))


def problem(key: str, condition: Json) -> Problem:
    """The Condition as a line."""
    named: Json = next(codes.codings(condition.get("code")), {})
    return Problem(
        key=key,
        name=str(named.get("display") or present.concept_text(condition.get("code"))),
        quotes=tuple(quotes(condition)),
        confidence=present.confidence(condition),
        certainty="",
        note=" ".join(n.get("text", "") for n in condition.get("note", [])),
        status=lifecycle.status_of(condition) or "",
    )


def quotes(resource: Mapping[str, Any]) -> list[str]:
    """The words of the note that it rests on.

    OriginalText on `evidence`, or on the resource itself.
    """
    found = (
        x.get("valueString") for x in _extensions(resource) if x.get("url") == codes.ORIGINAL_TEXT
    )
    return list(dict.fromkeys(q for q in found if q))


def spans(
    note: Opened | str, outputs: Mapping[str, Json], attachment: int | None = None
) -> list[Span]:
    """Where each mention stands: at its own place if its words stand there.

    Else where they do, if that is one place alone; else nowhere.

    A mark at another occurrence would show a negated drug as taken.

    Args:
        attachment: the place of the note among the document's attachments; mentions of others are
            left out.
    """
    opened = note if isinstance(note, Opened) else Opened(note, range(len(note)), "text")
    text = opened.text
    every = [s for r in outputs.values() for s in _mentions(r)]
    found = [
        (_shown(opened, span), words)
        for span, words in every
        if attachment is None or span.attachment in (None, attachment)
    ]
    quoted = {words for _, words in every}
    found += [
        (Span(-1, -1, "problem", present.concept_text(r.get("code"))), q)
        for r in outputs.values()
        for q in quotes(r)
        if q not in quoted
    ]
    placed = [_placed(text, span, words) for span, words in found]
    return [s for s in placed if s.start >= 0]


def _shown(opened: Opened, span: Span) -> Span:
    """Turn the place in the source into the place in the text."""
    if span.start < 0:
        return span
    start, end = opened.shown(span.start, span.end)
    return replace(span, start=start, end=end, attachment=None)


def _placed(text: str, span: Span, words: str) -> Span:
    if span.start >= 0 and _stands(text[span.start : span.end], words):
        return span
    at = text.find(words) if words and text.count(words) == 1 else -1
    return replace(span, start=at, end=at + len(words))


def _stands(there: str, words: str) -> bool:
    """Tell whether the words stand there; for blanks that were markup, anything may."""
    return (
        bool(words)
        and len(there) == len(words)
        and all(a == b or b.isspace() for a, b in zip(there, words, strict=True))
    )


def _mentions(resource: Json) -> Iterator[tuple[Span, str]]:
    for extension in _extensions(resource):
        if extension.get("url") == NOTE_MENTION:
            parts = {
                p["url"]: next((v for k, v in p.items() if k.startswith("value")), "")
                for p in extension.get("extension", [])
            }
            taken = str(parts.get("assertion", "present"))
            name = present.concept_text(
                resource.get("valueCodeableConcept") or resource.get("code")
            )
            sort = str(parts.get("kind", "problem")) if taken == "present" else ASIDE
            label = name if taken == "present" else f"{parts.get('kind', 'problem')}, {taken}"
            start, end = int(parts.get("start", -1)), int(parts.get("end", -1))
            attachment = int(parts["attachment"]) if "attachment" in parts else None
            yield Span(start, end, sort, label, taken, attachment), str(parts.get("text", ""))


def _extensions(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    evidence = resource.get("evidence", []) if resource.get("resourceType") == "Condition" else []
    for holder in [resource, *evidence]:
        yield from holder.get("extension", [])


def not_counted(found: Sequence[Span]) -> list[tuple[str, int]]:
    """How many mentions do not count, for each reason, the most frequent first."""
    return Counter(s.assertion for s in found if s.sort == ASIDE).most_common()


def marked(text: str, found: Sequence[Span], struck: Sequence[Place] = ()) -> list[Segment]:
    """The text cut at every edge of a span; joined again it is the text.

    Spans outside it are ignored.

    Args:
        struck: what is struck out, in order.
    """
    good = _within(text, found)
    signs = _signs(good)
    edges = {0, len(text), *(s.start for s in good), *(s.end for s in good)}
    edges |= {min(edge, len(text)) for place in struck for edge in place}
    return [
        replace(
            _segment(text[a:b], [s for s in good if s.start <= a and b <= s.end], b, signs),
            struck=_is_struck(a, struck),
        )
        for a, b in pairwise(sorted(edges))
    ]


def _is_struck(at: int, struck: Sequence[Place]) -> bool:
    before = bisect_right(struck, at, key=lambda place: place.start)
    return before > 0 and at < struck[before - 1].end


def meanings(text: str, found: Sequence[Span]) -> list[Meaning]:
    """List what the marks mean, in the order of the note; the same meaning comes once."""
    good = sorted(_within(text, found), key=lambda s: (s.start, s.end))
    return [
        Meaning(
            sign,
            kind[0],
            tuple(dict.fromkeys(text[s.start : s.end] for s in good if _kind(s) == kind)),
            _in_words(next(s for s in good if _kind(s) == kind)),
        )
        for kind, sign in _signs(good).items()
    ]


def _within(text: str, found: Sequence[Span]) -> list[Span]:
    return [s for s in found if 0 <= s.start < s.end <= len(text)]


def _signs(good: Sequence[Span]) -> dict[tuple[str, str], str]:
    """Number what the spans mean, from the beginning of the note."""
    first = {_kind(s): s for s in sorted(good, key=lambda s: (s.start, s.end), reverse=True)}
    in_order = sorted(first.values(), key=lambda s: (s.start, s.end))
    return {
        _kind(s): f"{s.assertion if s.sort == ASIDE else s.sort} {number}"
        for number, s in enumerate(in_order, 1)
    }


def _kind(span: Span) -> tuple[str, str]:
    return span.sort, span.label


def _in_words(span: Span) -> str:
    if span.sort == ASIDE:
        return f"{span.label}: {ASSERTIONS.get(span.assertion, NOT_COUNTED)}"
    return f"{span.sort}: {span.label}" if span.label else span.sort


def _segment(
    text: str, over: Sequence[Span], end: int, signs: Mapping[tuple[str, str], str]
) -> Segment:
    ending = dict.fromkeys(signs[_kind(s)] for s in over if s.end == end)
    labels = tuple(dict.fromkeys(s.label for s in over))
    return Segment(text, over[0].sort if over else "", labels, tuple(ending))
