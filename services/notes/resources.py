"""Findings -> FHIR R4 (pure).

- A Condition per problem that the note asserts of the patient now: `unconfirmed`, its evidence
  quoting the note.
- An Observation per drug that the note says is taken: LOINC 10160-0, `valueCodeableConcept` the
  RxNorm ingredient. This is what treatment reads.
- One DiagnosticReport: the note's type, those Observations, a sentence on what was found and on
  what does not count (negated, family's, past, ...).

Where a mention stands in the note is in the extension NOTE_MENTION (parts: `start`, `end` in code
points of the attachment's source (`shared.text.doors.opened`), `attachment` (from 0) where the
document has several, `kind`, `section`, `assertion`, `text` as it was read): on
`Condition.evidence`, on the Observation, and for what does not count on the report.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from services.notes.domain import NOTE_TYPES, Findings, Inputs, Mention
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json

NOTE_MENTION: Final = f"{codes.NS}/StructureDefinition/note-mention"
MEDICATION_USE: Final = codes.concept(codes.LOINC, "10160-0", "History of Medication use Narrative")
THERAPY: Final = codes.concept(codes.OBSERVATION_CATEGORY, "therapy")
PROBLEM_LIST_ITEM: Final = codes.concept(codes.CONDITION_CATEGORY, "problem-list-item")
ACTIVE: Final = codes.concept(codes.CONDITION_CLINICAL, "active")
DEPARTMENTS: Final = {"11502-2": "LAB", "11526-1": "SP"}  # v2-0074; every other type of note is OTH
MOST_RESOURCES: Final = 100  # of a kind: a Bundle must stay under 900 kB
MOST_QUOTES: Final = 5  # of one problem or drug
MOST_SET_ASIDE: Final = 50
MOST_UNREAD: Final = 20
NOT_COUNTED: Final = "Mentioned, but not as the patient's own and current"
LIMITS: Final = (
    "Drawn from the note's text alone by software that can miss, misread and miscode; "
    "its entity model learned from research abstracts and is not validated on clinical notes. "
    "Compare with the note before use."
)


def resources(inputs: Inputs, findings: Findings, pen: Pen) -> list[Draft]:
    """The drafts of one note; the last one is the report."""
    problems = list(findings.present("problem").values())
    drugs = list(findings.present("drug").values())
    conditions = [_condition(inputs, mentions, pen) for mentions in problems[:MOST_RESOURCES]]
    observations = [_medication_use(inputs, mentions, pen) for mentions in drugs[:MOST_RESOURCES]]
    aside = findings.set_aside()
    report = pen.draft(
        "DiagnosticReport",
        "report",
        category=[codes.concept(codes.V2_0074, DEPARTMENTS.get(inputs.type_code, "OTH"))],
        code=codes.concept(codes.LOINC, inputs.type_code, NOTE_TYPES[inputs.type_code]),
        result=[o.ref for o in observations] or None,
        conclusion=conclusion(inputs, problems, drugs, aside),
        extension=[note_mention(inputs, m) for m in aside[:MOST_SET_ASIDE]] or None,
    )
    return [*conditions, *observations, report]


def conclusion(
    inputs: Inputs,
    problems: Sequence[Sequence[Mention]],
    drugs: Sequence[Sequence[Mention]],
    aside: Sequence[Mention],
) -> str:
    """What was not read, what was found, what does not count and why, and the limits."""
    limited = [
        f"{title}: {' '.join(sentences[:MOST_UNREAD])}"
        for title, sentences in (("Not read", inputs.unread), ("Read with doubt", inputs.doubts))
        if sentences
    ]
    found = [
        _listing("Problems", [m[0].name for m in problems]),
        _listing("Drugs", [m[0].name for m in drugs]),
    ]
    spoken = [_listing(NOT_COUNTED, [f"{m.name} ({m.assertion})" for m in aside])] if aside else []
    return " ".join([*limited, *found, *spoken, LIMITS])


def _listing(title: str, names: Sequence[str]) -> str:
    shown = ", ".join(" ".join(name.split()) for name in names[:MOST_RESOURCES])
    more = (
        f" and {len(names) - MOST_RESOURCES} more that are not listed"
        if len(names) > MOST_RESOURCES
        else ""
    )
    return f"{title}: {shown or 'none recognised'}{more}."


def _condition(inputs: Inputs, mentions: Sequence[Mention], pen: Pen) -> Draft:
    return pen.draft(
        "Condition",
        _key("problem", mentions[0]),
        confidence=_confidence(mentions),
        clinicalStatus=ACTIVE,
        category=[PROBLEM_LIST_ITEM],
        code=_code(mentions[0]),
        evidence=[_evidence(inputs, m) for m in mentions[:MOST_QUOTES]],
    )


def _evidence(inputs: Inputs, mention: Mention) -> Json:
    quoted = {"url": codes.ORIGINAL_TEXT, "valueString": mention.text}
    return {
        "extension": [quoted, note_mention(inputs, mention)],
        "detail": [codes.reference(inputs.document)],
    }


def _medication_use(inputs: Inputs, mentions: Sequence[Mention], pen: Pen) -> Draft:
    return pen.draft(
        "Observation",
        _key("drug", mentions[0]),
        confidence=_confidence(mentions),
        category=[THERAPY],
        code=MEDICATION_USE,
        valueCodeableConcept=_code(mentions[0]),
        derivedFrom=[codes.reference(inputs.document)],
        extension=[note_mention(inputs, m) for m in mentions[:MOST_QUOTES]],
    )


def note_mention(inputs: Inputs, mention: Mention) -> Json:
    """Where the mention stands in the document and how it was read."""
    source = inputs.source(mention.start, mention.end)
    parts: list[Json] = [
        {"url": "start", "valueInteger": source.start},
        {"url": "end", "valueInteger": source.end},
        {"url": "kind", "valueCode": mention.kind},
        {"url": "assertion", "valueCode": mention.assertion},
        {"url": "text", "valueString": mention.text},
    ]
    if inputs.attachments > 1:
        parts.append({"url": "attachment", "valueInteger": source.attachment})
    if mention.section:
        parts.append({"url": "section", "valueCode": mention.section})
    return {"url": NOTE_MENTION, "extension": parts}


def _code(mention: Mention) -> Json:
    if mention.concept is None:
        return {"text": " ".join(mention.name.split())}
    return codes.concept(
        mention.concept.system, mention.concept.code, mention.concept.display, mention.name
    )


def _confidence(mentions: Sequence[Mention]) -> float | None:
    """Of the surest mention; None where only a word list spoke."""
    return max((m.confidence for m in mentions if m.confidence is not None), default=None)


def _key(kind: str, mention: Mention) -> str:
    """Name the draft by its code, or by a digest of its text.

    Which came from a person.
    """
    if mention.concept:
        return f"{kind}-{mention.concept.code}"
    return f"{kind}-{hashlib.sha256(mention.identity.encode()).hexdigest()[:12]}"
