"""Answers that wait for their questions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from shared.ehr.wire.response import Response


@dataclass(frozen=True)
class Prepared:
    """Answers by their absolute URL.

    Attributes:
        stay: each is given to all who ask, and more join them; else each is given once, and more
            take the place of all.
    """

    answers: dict[str, Response] = field(default_factory=dict)
    stay: bool = False

    def plus(self, more: Mapping[str, Response]) -> Self:
        """Return these answers with more."""
        if not self.stay:
            return type(self)(dict(more))
        self.answers.update(more)
        return self

    def take(self, url: str) -> Response | None:
        """Return the answer to this URL."""
        return self.answers.get(url) if self.stay else self.answers.pop(url, None)

    def keep(self, url: str) -> Response | None:
        """Return an answer that stays; None without one."""
        return self.answers.get(url) if self.stay else None
