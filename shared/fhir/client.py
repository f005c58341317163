"""Ehr: the FHIR R4 REST client. Tolerant of how servers differ (`docs/ehr.md`), strict about what a decision hangs on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.answers import Answer, Head

Json = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """What a create or update did."""

    reference: str
    version: str
    created: bool


@dataclass(frozen=True)
class Version:
    """One entry of a history: a version of a resource; `resource` is None for a delete."""

    reference: str
    version: str
    time: str
    deleted: bool
    resource: Json | None


class Ehr:
    """One EHR. Safe to share between threads."""

    base: str

    def read(self, reference: str) -> Json | None:
        """The current resource, or None when it is gone (404, 410)."""
        raise NotImplementedError

    def search(self, kind: str, params: Mapping[str, str | Sequence[str]], *, subject: str | None = None) -> Iterator[Json]:
        """Every match over all pages: no-cache, `search.mode` match only; with `subject`, only resources of this patient
        (checked here on each hit, since a server may ignore a parameter)."""
        raise NotImplementedError

    def history(self, kind: str, since: str) -> Iterator[Version]:
        """Every version of every resource of the type since the instant; falls back to `_lastUpdated` where there is no type history."""
        raise NotImplementedError

    def create(self, resource: Json, if_none_exist: str | None = None) -> Written:
        """POST; with `if_none_exist` (a query, `identifier=system|value`) a conditional create."""
        raise NotImplementedError

    def update(self, resource: Json, version: str) -> Written:
        """PUT under If-Match. Raises Conflict on 409 and 412."""
        raise NotImplementedError

    def transact(self, bundle: Json) -> Sequence[Json]:
        """POST a transaction; the response's entries, never to be mapped by index. Raises Conflict on 409 and 412."""
        raise NotImplementedError

    def head(self, answer: Answer) -> Head | None:
        """The newest head of the answer, read without cache."""
        raise NotImplementedError

    def attachment(self, attachment: Mapping[str, Any], max_bytes: int) -> bytes:
        """The bytes of an Attachment: `data`, or `url` (a Binary of this EHR, relative or absolute, or an allowed origin).

        Raises:
            NotYet: the Binary is not there (404). InvalidInput: too large, hash or size differs, an origin that is not allowed.
        """
        raise NotImplementedError

    def capabilities(self) -> Json:
        """The CapabilityStatement."""
        raise NotImplementedError
