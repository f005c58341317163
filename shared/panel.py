"""How the review page shows what a service wrote (pure).

The page itself shows what every result has: the conclusion, alerts (DetectedIssue), images (Media),
Observations as findings, where it comes from, the decision. A service names its result here and
may add sections of its own; it needs no template.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.json import Json


@dataclass(frozen=True)
class Row:
    """One line of a section.

    Attributes:
        cells: texts, one per column of the section.
        status: the status of the resource behind it; the page strikes out what was taken back.
        note: small print below the first cell.
    """

    cells: Sequence[str]
    status: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A table on the page, with a heading."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]


def no_sections(_outputs: Mapping[str, Json]) -> Sequence[Section]:
    """`sections` of a service that adds none."""
    return ()


@dataclass(frozen=True)
class Panel:
    """How the review page shows what a service wrote.

    Attributes:
        title: what the result is called in the worklist and as the page's heading.
        findings: the heading above the result's Observations.
        categories: codes of the report categories that its results may have. Who may read one of
            its tasks that has no report is decided by them; none: only who reads everything.
        input: what people call what is analysed: `film`, `note`; the page tells of when it is.
        marks_text: show the text of the documents behind it, with what was found marked in it.
        sections: `(outputs) -> sections`, drawn below the findings; `outputs` are the resources
            that the answer wrote, by key. It must be pure, and tolerant: a clinician or another
            system may have changed the resources since.
    """

    title: str = "Result"
    findings: str = "Findings"
    categories: frozenset[str] = frozenset()
    input: str = "input"
    marks_text: bool = False
    sections: Callable[[Mapping[str, Json]], Sequence[Section]] = no_sections
