"""A clinical note with what was found in it marked (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from services.review import present
from shared.fhir import codes, lifecycle

Resource = dict[str, Any]


@dataclass(frozen=True)
class Span:
    """Where something stands in the note, in characters, end exclusive, and what it was taken for."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Segment:
    """A piece of the note; `labels` of all spans over it, none for plain text."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """One Condition drawn from the note, with the words it rests on."""

    key: str
    name: str
    code: str
    quotes: tuple[str, ...]
    confidence: float | None
    note: str
    status: str


def problems(outputs: Mapping[str, Resource]) -> list[Problem]:
    """The Conditions, surest first."""
    made = [problem(key, r) for key, r in outputs.items() if r["resourceType"] == "Condition"]
    return sorted(made, key=lambda p: -(p.confidence or 0))


def problem(key: str, condition: Resource) -> Problem:
    """The Condition as a line."""
    named = next(codes.codings(condition.get("code")), {})
    return Problem(
        key=key,
        name=str(named.get("display") or present.concept_text(condition.get("code"))),
        code=str(named.get("code", "")),
        quotes=tuple(quotes(condition)),
        confidence=present.confidence(condition),
        note=" ".join(n.get("text", "") for n in condition.get("note", [])),
        status=lifecycle.status_of(condition) or "",
    )


def quotes(resource: Mapping[str, Any]) -> list[str]:
    """The words of the note that it rests on: originalText on `evidence`, or on the resource itself."""
    holders = [resource, *(e for e in resource.get("evidence", []) if isinstance(e, Mapping))]
    found = (x.get("valueString") for h in holders for x in h.get("extension", []) if x.get("url") == codes.ORIGINAL_TEXT)
    return list(dict.fromkeys(q for q in found if q))


def spans(text: str, outputs: Mapping[str, Resource]) -> list[Span]:
    """Where the words of each Condition and Observation stand in the note."""
    quoted = [(words, present.concept_text(r.get("code"))) for r in outputs.values() for words in quotes(r)]
    return located(text, quoted)


def located(text: str, quoted: Iterable[tuple[str, str]]) -> list[Span]:
    """Where each (words, label) stands in the text, its first place; words that the note does not hold are left out."""
    return [Span(at, at + len(words), label) for words, label in quoted if words and (at := text.find(words)) >= 0]


def marked(text: str, spans: Sequence[Span]) -> list[Segment]:
    """The text cut at every edge of a span; joined again it is the text. Spans outside it are ignored."""
    good = [s for s in spans if 0 <= s.start < s.end <= len(text)]
    edges = sorted({0, len(text), *(s.start for s in good), *(s.end for s in good)})
    pieces = ((a, b, tuple(dict.fromkeys(s.label for s in good if s.start <= a and b <= s.end))) for a, b in pairwise(edges))
    return [Segment(text[a:b], labels) for a, b, labels in pieces]
