"""How old an input may be, and whether one is too old (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from services.treatment.findings import Citation
from shared import instants

Age = Literal["fresh", "stale", "unknown"]
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class MaxAge:
    """The greatest age of an input.

    Attributes:
        days: None: one of any age counts.
        reason: a sentence.
        citation: the source of the number; None: an engineering default of ours.
    """

    days: int | None
    reason: str
    citation: Citation | None = None

    def of(self, time: str, today: date) -> Age:
        """Tell whether something of this time is too old.

        A date without a day may lie on either side: then nobody can tell. So it is with one that
        is still to come.
        """
        if self.days is None:
            return "fresh"
        span = instants.days(time)
        if span is None or span[0] > today + DAY:
            return "unknown"

        oldest = today - timedelta(days=self.days)
        if span[1] < oldest:
            return "stale"
        return "fresh" if span[0] >= oldest else "unknown"

    @property
    def source(self) -> str:
        """Name the limit and its source in words."""
        named = f" Source: {self.citation.text}." if self.citation else ""
        return f"At most {self.days} days old. {self.reason}{named}"


@dataclass(frozen=True)
class Ages:
    """The greatest ages of the inputs.

    Attributes:
        inputs: by kind of input, whatever the rule: `mention`, `order`.
        rules: of the input of one rule, by the rule's id.
    """

    inputs: Mapping[str, MaxAge]
    rules: Mapping[str, MaxAge]
