"""What the notes service reads and finds (pure).

Offsets of mentions count Unicode code points of the note's text (`Inputs.text`), which is what is
read and shown: tags are gone, rows of tables are lines (`shared.text.doors`). `Inputs.source` says
where that stands in the attachment as it was sent. `text[mention.start:mention.end] ==
mention.text` holds for every mention.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from shared.text.doors.opened import Span

Kind = Literal["problem", "drug"]
Assertion = Literal[
    "present",
    "negated",
    "possible",
    "hypothetical",
    "historical",
    "family",
    "other",
    "allergy",
    "stopped",
    "mentioned",
]
NOTE_TYPES: Final = {  # LOINC
    "18842-5": "Discharge summary",
    "11488-4": "Consult note",
    "34117-2": "History and physical note",
    "11506-3": "Progress note",
    "28570-0": "Procedure note",
    "11502-2": "Laboratory report",
    "11526-1": "Pathology study",
    "34111-5": "Emergency department Note",
    "11504-8": "Surgical operation note",
    "18761-7": "Transfer summary note",
    "34133-9": "Summary of episode note",
    "57133-1": "Referral note",
    "34109-9": "Note",
}
UNTYPED: Final = "34109-9"
"""A note whose type the record does not state."""


@dataclass(frozen=True)
class Concept:
    """A code for what is mentioned.

    SNOMED CT for problems, an RxNorm ingredient for drugs.
    """

    system: str
    code: str
    display: str


@dataclass(frozen=True)
class Part:
    """One attachment in the text of a note.

    Attributes:
        start: of its text in the note's text.
        attachment: its place in `DocumentReference.content`, from 0.
        places: for each of its characters the place in its source (`shared.text.doors.opened`).
    """

    start: int
    attachment: int
    places: Sequence[int]


class Source(NamedTuple):
    """Where something stands in the document: code points of an attachment's source."""

    attachment: int
    start: int
    end: int


@dataclass(frozen=True)
class Inputs:
    """One note.

    Attributes:
        subject: `Patient/id`.
        content: digest of the text with its places, the note's type and what was not read.
        sources: the DocumentReference -> its version.
        document: `DocumentReference/id`.
        type_code: LOINC code of the note's type.
        text: what is read, of all attachments; they are apart by a line with a form feed.
        language: what the attachment declares (`en-US`), or None.
        effective: the time that the note speaks of; None where the record states none.
        parts: the attachments in `text`; none: it is its own source.
        attachments: how many the document has, read or not.
        struck: what the note shows struck out, in `text`.
        unread, doubts: what was not read, or by a guess, a sentence each.
    """

    subject: str
    content: str
    sources: Mapping[str, str]
    document: str
    type_code: str
    text: str
    language: str | None = None
    effective: str | None = None
    parts: Sequence[Part] = ()
    attachments: int = 1
    struck: Sequence[Span] = ()
    unread: Sequence[str] = ()
    doubts: Sequence[str] = ()

    def source(self, start: int, end: int) -> Source:
        """Return where `text[start:end]` stands in the document, within one attachment."""
        if not self.parts:
            return Source(0, start, end)
        part = self.parts[bisect_right(self.parts, start, key=lambda p: p.start) - 1]
        last = min(end - part.start, len(part.places)) - 1
        first = min(start - part.start, last)
        return Source(part.attachment, part.places[first], part.places[last] + 1)


@dataclass(frozen=True)
class Entity:
    """What a model or a word list marked: `start` and `end` in the text it was given.

    Confidence 0..1, None from a list.

    `concept` is set where a list knows the name; `listed` also where the list knows it without a
    code.
    """

    start: int
    end: int
    kind: Kind
    confidence: float | None = None
    concept: Concept | None = None
    name: str | None = None
    listed: bool = False


@dataclass(frozen=True)
class Mention:
    """A problem or a drug at one place of the note.

    Attributes:
        start, end: code points of the note's text, end excluded.
        section: the section's category, `family_history`; empty where no heading precedes.
        assertion: how the note speaks of it. Only `present` is the patient's own and current.
        confidence: the entity model's, None where only a word list spoke.
        concept: its code, None where no list has one. Never guessed.
        name: the preferred name, or the text itself.
    """

    kind: Kind
    start: int
    end: int
    text: str
    section: str
    assertion: Assertion
    confidence: float | None
    concept: Concept | None
    name: str

    @property
    def identity(self) -> str:
        """The same problem or drug has the same identity wherever it is mentioned."""
        return self.concept.code if self.concept else " ".join(self.name.casefold().split())


@dataclass(frozen=True)
class Findings:
    """All mentions of one note, in its order."""

    mentions: tuple[Mention, ...]

    def present(self, kind: Kind) -> dict[str, list[Mention]]:
        """Mentions that count, by identity, in the order of their first mention."""
        found: dict[str, list[Mention]] = {}
        for mention in self.mentions:
            if mention.kind == kind and mention.assertion == "present":
                found.setdefault(mention.identity, []).append(mention)
        return found

    def set_aside(self) -> list[Mention]:
        """Return the first mention of each problem or drug that is set aside.

        One per assertion.
        """
        found: dict[tuple[str, str, str], Mention] = {}
        for mention in self.mentions:
            if mention.assertion != "present":
                found.setdefault((mention.kind, mention.identity, mention.assertion), mention)
        return list(found.values())
