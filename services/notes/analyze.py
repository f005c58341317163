"""A note -> its mentions (pure, given the model).

The entity model and the word lists each mark what they know; where both marked, the list gives the
code and the model its confidence. ConText says how the sentence speaks of it, the section what the
heading makes of it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from services.notes.domain import Assertion, Entity, Findings, Inputs, Mention
from services.notes.reading.language import is_english
from services.notes.reading.lexicon import find_terms, is_chronic
from services.notes.reading.sections import Section, find_sections, section_at
from services.notes.reading.sentences import Span, find_sentences
from services.notes.reading.tables import table
from shared.errors import NotAnalysed

# below it, what no list knows is left out: on clinical notes, unlike abstracts, most such marks
# were wrong (model card)
SURE: Final = 0.8
WINDOW: Final = 600  # characters: several sentences at once, as the model was trained
DOSE: Final = re.compile(
    r"\W{0,3}(?:\d[\d.,]*\s*(?:mg|mcg|µg|g|units?|iu|meq|ml|tablets?|tabs?|capsules?|puffs?)\b|(?:po|iv|im|daily|bid|tid|qid|qhs|prn|nightly)\b)",
    re.IGNORECASE,
)
PRECEDENCE: Final[
    tuple[tuple[str, Assertion], ...]
] = (  # ConText's categories, the strongest first
    ("NEGATED_EXISTENCE", "negated"),
    ("FAMILY", "family"),
    ("POSSIBLE_EXISTENCE", "possible"),
    ("HYPOTHETICAL", "hypothetical"),
    ("HISTORICAL", "historical"),
)
OF_DRUGS: Final[tuple[tuple[str, Assertion], ...]] = (
    ("ALLERGY", "allergy"),
    ("STOPPED", "stopped"),
)


class Reader(Protocol):
    """What `analyze` asks of the model."""

    def entities(self, passages: Sequence[str]) -> list[list[Entity]]:
        """Entities of each passage; offsets within it."""

    def modifiers(
        self, sentences: Sequence[tuple[str, Sequence[Span]]]
    ) -> list[list[frozenset[str]]]:
        """ConText's categories for each span of each sentence.

        Spans are offsets within the sentence.
        """


def analyze(batch: Sequence[Inputs], model: Reader) -> list[Findings | NotAnalysed]:
    """Findings of each note, or why it was not read."""
    return [
        read(inputs, model)
        if is_english(inputs.text, inputs.language)
        else NotAnalysed("The note is not in English.")
        for inputs in batch
    ]


def read(inputs: Inputs, model: Reader) -> Findings:
    """The mentions of one note."""
    text = inputs.text
    sections = find_sections(text)
    sentences = find_sentences(text, sections)
    found = merge([*_modelled(text, sentences, model), *_listed(text, sentences)], text)
    kept = [e for e in found if e.listed or _is_credible(e, text, section_at(sections, e.start))]
    by_sentence = _by_sentence(kept, sentences)
    categories = model.modifiers(
        [(text[a:b], [(e.start - a, e.end - a) for e in inside]) for (a, b), inside in by_sentence]
    )
    pairs = [
        (e, c)
        for (_, inside), found_in in zip(by_sentence, categories, strict=True)
        for e, c in zip(inside, found_in, strict=True)
    ]
    return Findings(tuple(_mention(e, c, text, section_at(sections, e.start)) for e, c in pairs))


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
    unsure = longer.confidence is not None and longer.confidence < SURE
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


def _is_credible(entity: Entity, text: str, section: Section) -> bool:
    """Of what no list knows.

    Sure enough, and a chemical only where drugs are listed or a dose follows; else it may be a
    laboratory value.
    """
    if entity.confidence is not None and entity.confidence < SURE:
        return False
    return (
        entity.kind == "problem"
        or section.lists_drugs
        or section.assertion == "allergy"
        or DOSE.match(text, entity.end) is not None
    )


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


def _mention(entity: Entity, categories: frozenset[str], text: str, section: Section) -> Mention:
    quoted = text[entity.start : entity.end]
    assertion = assertion_of(entity, categories, section)
    return Mention(
        entity.kind,
        entity.start,
        entity.end,
        quoted,
        section.category,
        assertion,
        entity.confidence,
        entity.concept,
        entity.name or quoted,
    )


def assertion_of(entity: Entity, categories: frozenset[str], section: Section) -> Assertion:
    """What the sentence says.

    Where it says nothing, what the section's heading makes of it.
    """
    order = (*OF_DRUGS, *PRECEDENCE) if entity.kind == "drug" else PRECEDENCE
    stated = next((assertion for category, assertion in order if category in categories), None)
    if section.assertion == "family" and stated != "negated":
        return "family"
    if section.assertion == "allergy":
        return "allergy"
    if stated == "historical" and is_chronic(entity.concept):
        stated = None
    if stated is None and section.assertion == "hypothetical":
        return "hypothetical" if entity.kind == "problem" else "present"
    return stated or "present"
