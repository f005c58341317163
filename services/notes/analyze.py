"""A note -> its mentions (pure, given the model).

The entity model and the word lists each mark what they know; where both marked, the list gives the
code and the model its confidence. How the note speaks of a mention is read from its sentence, from
the form that it may stand in, and from the heading above it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from services.notes.assertion.read import Statement, statements
from services.notes.credible import SURE, is_credible, is_told
from services.notes.domain import Assertion, Entity, Findings, Inputs, Kind, Mention
from services.notes.reading.language import is_english
from services.notes.reading.lexicon import find_terms
from services.notes.reading.normal import Normal, normalise
from services.notes.reading.sections import Section, find_sections, section_at
from services.notes.reading.sentences import Span, find_sentences
from services.notes.reading.tables import table
from shared.errors import NotAnalysed

COLUMNS: Final = re.compile(r"\n|\t|  ")
"""Between two columns of a table, or two lines: no name goes over it."""
STRUCK: Final[dict[Kind, Assertion]] = {"problem": "negated", "drug": "stopped"}
"""What the note takes back by a line through it."""
WINDOW: Final = 600
"""Characters: several sentences at once, as the model was trained."""


class Reader(Protocol):
    """What `analyze` asks of the model."""

    def entities(self, passages: Sequence[str]) -> list[list[Entity]]:
        """Entities of each passage; offsets within it."""


def analyze(batch: Sequence[Inputs], model: Reader) -> list[Findings | NotAnalysed]:
    """Findings of each note, or why it was not read."""
    spelled = ((inputs, normalise(inputs.text)) for inputs in batch)
    return [
        _findings(inputs, normal, model)
        if is_english(normal.text, inputs.language)
        else NotAnalysed("The note is not in English.")
        for inputs, normal in spelled
    ]


def read(inputs: Inputs, model: Reader) -> Findings:
    """The mentions of one note."""
    return _findings(inputs, normalise(inputs.text), model)


def _findings(inputs: Inputs, normal: Normal, model: Reader) -> Findings:
    text = normal.text
    sections = find_sections(text)
    sentences = find_sentences(text, sections)
    found = merge([*_modelled(text, sentences, model), *_listed(text, sentences)], text)
    kept = [e for e in found if is_credible(e, text, section_at(sections, e.start))]
    by_sentence = _by_sentence(kept, sentences)
    said = statements(text, sections, sentences, by_sentence)
    return Findings(tuple(_mentions(inputs, normal, sections, said)))


def _mentions(
    inputs: Inputs, normal: Normal, sections: Sequence[Section], said: Sequence[Statement]
) -> Iterator[Mention]:
    for statement in said:
        entity, said_of = statement.entity, statement.assertion
        section = section_at(sections, entity.start)
        if said_of is None or not is_told(entity, said_of, section):
            continue
        start, end = normal.source(entity.start, entity.end)
        yield Mention(
            entity.kind,
            start,
            end,
            inputs.text[start:end],
            section.category,
            STRUCK[entity.kind] if _is_struck(inputs, start, end) else said_of,
            entity.confidence,
            entity.concept,
            entity.name or normal.text[entity.start : entity.end],
        )


def _is_struck(inputs: Inputs, start: int, end: int) -> bool:
    """Tell whether the note shows it struck out, wholly or in part."""
    at = bisect_right(inputs.struck, start, key=lambda span: span[1])
    return at < len(inputs.struck) and inputs.struck[at][0] < end


def windows(text: str, sentences: Sequence[Span]) -> list[Span]:
    """Neighbouring sentences of prose joined up to about WINDOW characters.

    A list's line, without a full stop, stands alone.
    """
    joined: list[Span] = []
    for start, end in sentences:
        if joined and end - joined[-1][0] <= WINDOW and text[joined[-1][1] - 1] in ".!?":
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def merge(entities: Sequence[Entity], text: str) -> list[Entity]:
    """Drop overlaps: the longer span wins, then a listed one."""
    kept: list[
        Entity
    ] = []  # in order and apart at every step: a note may name fifteen thousand drugs
    for entity in sorted(entities, key=lambda e: (e.start - e.end, not e.listed, e.start)):
        first = bisect_right(kept, entity.start, key=lambda k: k.end)
        rivals = bisect_left(kept, entity.end, lo=first, key=lambda k: k.start) - first
        if rivals == 0:
            kept.insert(first, entity)
        elif rivals == 1 and kept[first].kind == entity.kind:
            kept[first] = _joined(kept[first], entity, text)
    return kept


def _joined(longer: Entity, shorter: Entity, text: str) -> Entity:
    """The longer span, with what the other adds.

    A listed name in a longer mark stands for it where the rest merely qualifies it or the mark is
    unsure.
    """
    if longer.listed or not shorter.listed:
        return replace(
            longer,
            confidence=longer.confidence if longer.confidence is not None else shorter.confidence,
        )
    apart = COLUMNS.search(text, longer.start, min(longer.end, longer.start + WINDOW)) is not None
    unsure = apart or (longer.confidence is not None and longer.confidence < SURE)
    return (
        replace(shorter, confidence=longer.confidence)
        if unsure or _only_qualified(longer, shorter, text)
        else longer
    )


def _only_qualified(longer: Entity, shorter: Entity, text: str) -> bool:
    """All that the longer one adds is how bad or how old it is.

    More than a WINDOW of text says more than that.
    """
    if longer.end - longer.start > WINDOW:
        return False
    rest = (
        (text[longer.start : shorter.start] + " " + text[shorter.end : longer.end])
        .casefold()
        .split()
    )
    return {word.strip("-,()") for word in rest} <= {*table("problems")["qualifiers"], ""}


def _modelled(text: str, sentences: Sequence[Span], model: Reader) -> list[Entity]:
    spans = windows(text, sentences)
    passages = model.entities([text[a:b] for a, b in spans])
    found = [
        replace(e, start=e.start + a, end=e.end + a)
        for (a, _), marked in zip(spans, passages, strict=True)
        for e in marked
    ]
    return [piece for (_, _), inside in _by_sentence(found, sentences) for piece in inside]


def _listed(text: str, sentences: Sequence[Span]) -> list[Entity]:
    return [
        replace(e, start=e.start + a, end=e.end + a)
        for a, b in sentences
        for e in find_terms(text[a:b])
    ]


def _by_sentence(
    entities: Sequence[Entity], sentences: Sequence[Span]
) -> list[tuple[Span, list[Entity]]]:
    """The sentences that hold entities, by where these begin.

    An entity that runs on into the next sentence ends with its own.
    """
    waiting = sorted(entities, key=lambda e: e.start, reverse=True)
    found: list[tuple[Span, list[Entity]]] = []
    for start, end in sentences:
        inside: list[Entity] = []
        while waiting and waiting[-1].start < end:
            entity = waiting.pop()
            if entity.start >= start:
                inside.append(replace(entity, end=min(entity.end, end)))
        if inside:
            found.append(((start, end), inside))
    return found
