"""Requests and answers of the fake EHR, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.json import Json

Query = list[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """A request as the server sees it.

    Attributes:
        path: on the base, without slashes at its ends.
        headers: names in lower case.
    """

    method: str
    path: str
    query: Query = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Answer:
    """A response; `body` None for an empty one."""

    status: int
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
