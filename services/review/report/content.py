"""What a printed report says, before it is laid out (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Style = Literal["text", "lead", "item", "small"]
Weight = Literal["plain", "bold", "struck", "underlined"]


@dataclass(frozen=True)
class Run:
    """A piece of a line.

    Attributes:
        style: how it is set; what is struck out or underlined says so in words, too.
    """

    text: str
    style: Weight = "plain"


@dataclass(frozen=True)
class Line:
    """One paragraph of a section; its text may hold line breaks."""

    runs: Sequence[Run]
    style: Style = "text"

    @property
    def text(self) -> str:
        """Return its words."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True)
class Section:
    """A heading with its lines."""

    title: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Report:
    """A printed report.

    Attributes:
        title: what the result is called.
        kind: the same without any word of the record's: it may stand in the file's properties.
        standing: `Signed by ...`.
        drafted: that the AI drafted it and who decided, under the title and on each page.
        patient: label and value of who she is; patient_line: the same in short, on each page.
        void: what is written across each page of a result that no longer stands; else empty.
        warnings: what a reader must know before all else.
        printed: when and by whom it was printed.
        reference: the head and its revision.
    """

    title: str
    kind: str
    standing: str
    patient: Sequence[tuple[str, str]]
    patient_line: str
    sections: Sequence[Section]
    printed: str
    reference: str
    drafted: str
    void: str = ""
    warnings: Sequence[str] = field(default_factory=tuple)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield each text with the name of the place where it stands."""
        yield "the title", self.title
        yield "the signature", self.standing
        for label, value in self.patient:
            yield f"the patient ({label})", value
        for section in self.sections:
            for line in section.lines:
                yield section.title, line.text
        yield "the line on who printed it", self.printed


def text(words: str, style: Style = "text") -> Line:
    """Return a line of plain words."""
    return Line((Run(words),), style)


def named(name: str, words: str = "", *, style: Style = "item") -> Line:
    """Return a line that begins with a name in bold."""
    return Line((Run(name, "bold"), *([Run(f": {words}")] if words else [])), style)
