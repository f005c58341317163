"""How the review page shows what a service wrote (pure).

The page itself shows what every result has: the conclusion, where it comes from, the decision.
What was found is shown in parts, each with a builder and a template of its own
(`services/review/panels`). A service names its result here, says which parts come first, and may
add sections of its own; it needs no template.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from shared.json import Json

PartName = Literal[
    "alerts",  # DetectedIssue, gravest first
    "film",  # Media, over the image that was read
    "findings",  # Observations
    "sections",  # the service's own
    "advice",  # what genes mean for drugs, those that the patient takes first
    "genes",  # genotypes and phenotypes
    "variants",  # other genomic Observations
    "problems",  # Conditions, with the words that they rest on
    "notes",  # the text of the documents, with what was found marked in it
    "proposals",  # a plan's goals, orders and choices
    "supports",  # what a plan rests on
]
PARTS: Final[tuple[PartName, ...]] = get_args(PartName)
"""Every part, in the order of a page that declares none."""
ON_REQUEST: Final[frozenset[PartName]] = frozenset({"notes"})
"""Parts that are drawn only where they are declared: they read a whole document."""


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
        parts: the parts that come first, in this order. The others follow where they have something
            to show: what a service wrote is never hidden.
        sections: `(outputs) -> sections`, drawn below the findings; `outputs` are the resources
            that the answer wrote, by key. It must be pure, and tolerant: a clinician or another
            system may have changed the resources since.
    """

    title: str = "Result"
    findings: str = "Findings"
    categories: frozenset[str] = frozenset()
    input: str = "input"
    parts: tuple[PartName, ...] = ()
    sections: Callable[[Mapping[str, Json]], Sequence[Section]] = no_sections

    def __post_init__(self) -> None:
        """Refuse parts that the page does not know, and one named twice.

        Raises:
            ValueError: a part would be missing from the page, or stand there twice.
        """
        if unknown := sorted(set(self.parts) - set(PARTS)):
            raise ValueError(f"the page has no part {', '.join(unknown)}; it has {PARTS}")
        if len(set(self.parts)) < len(self.parts):
            raise ValueError("a part is named twice")

    @property
    def order(self) -> tuple[PartName, ...]:
        """Every part to draw, those declared first."""
        others = (p for p in PARTS if p not in self.parts and p not in ON_REQUEST)
        return (*self.parts, *others)
