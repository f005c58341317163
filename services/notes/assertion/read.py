"""How a note speaks of each thing that it names (pure)."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.notes.assertion.forms import Answer, Verdict, answers
from services.notes.assertion.grids import grid_answers
from services.notes.assertion.leads import leads
from services.notes.assertion.people import people
from services.notes.assertion.scope import Sentence, categories, sentence_of
from services.notes.assertion.verdict import (
    DOSE,
    LABORATORY,
    Evidence,
    drug_assertion,
    problem_assertion,
)
from services.notes.domain import Assertion, Entity
from services.notes.reading.lexicon import is_chronic
from services.notes.reading.sections import Section, section_at
from services.notes.reading.sentences import Span

LONGEST_FORM = 300
"""Characters before and after a sentence on its line."""
UNSIGNED = frozenset(
    {"past_medical_history", "problem_list", "medications", "allergies", "assessment_and_plan"}
)
"""Sections in which a hyphen before a word is a bullet, never a minus."""


@dataclass(frozen=True)
class Statement:
    """One thing that the note names, and how: None where a form alone names it."""

    entity: Entity
    assertion: Assertion | None


@dataclass(frozen=True)
class Page:
    """A note as its layout has it: its text, its sections and what its tables answer."""

    text: str
    sections: Sequence[Section]
    grids: Sequence[Answer]


def statements(
    text: str,
    sections: Sequence[Section],
    sentences: Sequence[Span],
    named: Sequence[tuple[Span, Sequence[Entity]]],
) -> list[Statement]:
    """Read all sentences that name something."""
    page = Page(text, sections, grid_answers(text))
    led = dict(zip(sentences, leads(text, sentences, sections), strict=True))
    return [
        statement
        for span, entities in named
        for statement in _sentence(page, span, led.get(span), entities)
    ]


def _sentence(
    page: Page, span: Span, lead: Span | None, entities: Sequence[Entity]
) -> Iterator[Statement]:
    text = page.text
    shown, shift = _led(text, span, lead)
    targets = [(e.start - shift, e.end - shift) for e in entities]
    sentence = sentence_of(shown, (0, len(shown)), targets, [e.kind for e in entities])
    patient = _patient_named(sentence)
    forms = [*_within(page.grids, span), *answers(text, *_line(text, span))]
    for at, (entity, cues, person) in enumerate(
        zip(entities, categories(sentence), people(sentence), strict=True)
    ):
        section = section_at(page.sections, entity.start)
        evidence = Evidence(
            cues,
            person,
            _form(forms, entity, section),
            section,
            patient < sentence.targets[at][0],
            DOSE.match(text, entity.end) is not None,
            LABORATORY.match(text, entity.end) is not None,
            is_chronic(entity.concept),
        )
        judge = problem_assertion if entity.kind == "problem" else drug_assertion
        yield Statement(entity, judge(evidence))


def _within(grids: Sequence[Answer], span: Span) -> Sequence[Answer]:
    first = bisect_left(grids, span[0], key=lambda answer: answer.end)
    last = bisect_left(grids, span[1], key=lambda answer: answer.start)
    return grids[first:last]


def _line(text: str, span: Span) -> Span:
    """Return the whole line of a sentence; a long one is prose.

    A form asks and answers on one line.
    """
    start = text.rfind("\n", max(span[0] - LONGEST_FORM, 0), span[0]) + 1
    end = text.find("\n", span[1], span[1] + LONGEST_FORM)
    if (start == 0 and span[0] > LONGEST_FORM) or (end < 0 and len(text) > span[1] + LONGEST_FORM):
        return span
    return start, end if end >= 0 else len(text)


def _led(text: str, span: Span, lead: Span | None) -> tuple[str, int]:
    """Return the sentence after the line that leads it, and how far its offsets moved."""
    start, end = span
    if lead is None:
        return text[start:end], start
    before = text[slice(*lead)].rstrip(" \t\r\n") + " "
    return before + text[start:end], start - len(before)


def _form(forms: Sequence[Answer], entity: Entity, section: Section) -> Verdict | None:
    for answer in forms:
        if answer.start <= entity.start < answer.end:
            if answer.signed and section.category in UNSIGNED:
                return None
            return answer.verdict
    return None


def _patient_named(sentence: Sentence) -> int:
    """Return the place of the first word for the patient, or of the sentence's end."""
    named = (
        hit.first for hit in sentence.hits for cue in hit.cues if cue.ends == frozenset({"family"})
    )
    return next(named, len(sentence.tokens))
