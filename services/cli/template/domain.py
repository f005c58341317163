"""What the template service reads and finds: frozen values (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.answers import digest


@dataclass(frozen=True)
class Inputs:
    """One Observation, read. See `shared.service.Inputs`.

    Attributes:
        subject: `Patient/id`.
        text: its value as text.
        sources: `Type/id` -> version of what was read.
        effective: when it was observed; None where the record does not say.
    """

    subject: str
    text: str
    sources: Mapping[str, str]
    effective: str | None = None

    @property
    def content(self) -> str:
        """The digest of what is analysed, and of nothing else."""
        return digest(self.text)


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        words: how many words the value has: the example of a result.
    """

    words: int
