"""Answer, basis, revision, head: they keep every result single (pure).

An **answer** is what a clinician sees as one result: one service's word on one input. Its **basis**
is the digest of what was analysed and of the models that analysed it. Its **head** is its review
Task, one per **revision**. A revision closes when a clinician signs or rejects it, or when its
input is withdrawn after that; a new basis then opens the next one. The head's version is the only
guard: it is read before gather, and every write goes through it under `ifMatch`.

Where the EHR honours an update that creates and never replaces (`shared.ehr.proof`), a head has
an id of our own choice, is created together with its result, and is read by that id: no search has
to find it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from shared.instants import start
from shared.json import Json

Outcome = Literal["draft", "requested", "rejected", "failed", "completed", "cancelled"]
NS = "https://careloop.example/ns"
"""Careloop's namespace: of identifiers, code systems and extensions."""
NAMESPACE = uuid5(NAMESPACE_URL, NS)


@dataclass(frozen=True)
class Answer:
    """One service's word on one input.

    Attributes:
        service: the service's name.
        input: `Type/id`, without a version: only its present version at the EHR counts.
    """

    service: str
    input: str

    @property
    def uuid(self) -> UUID:
        """The answer's identity, the same on every machine: uuid5(service, input)."""
        return uuid5(NAMESPACE, f"{self.service} {self.input}")

    def revision_token(self, revision: int) -> str:
        """Return the value of the head's revision identifier, `{uuid}.{n}`.

        Conditional create depends on it.
        """
        return f"{self.uuid}.{revision}"

    def head_id(self, revision: int) -> str:
        """Return the id of the revision's head, at an EHR open to ids of ours."""
        return str(self.resource_uuid(revision, "head"))

    def resource_uuid(self, revision: int, key: str) -> UUID:
        """Return the identity of one resource of this answer.

        The same key in the same revision is the same resource.
        """
        return uuid5(self.uuid, f"{revision} {key}")


@dataclass(frozen=True)
class Basis:
    """The content and the models behind an analysis.

    Attributes:
        content: SHA-256 (hex) of the content of the inputs, see `digest`.
        models: the digests of the models that were used, sorted.
    """

    content: str
    models: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join(
            (self.content, *(m.removeprefix("sha256:")[:16] for m in sorted(self.models)))
        )


def digest(*parts: bytes | str | Iterable[str] | Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of the parts in order.

    Each part has its length in front, so no two lists of parts give the same bytes.
    """
    total = hashlib.sha256()
    for part in parts:
        match part:
            case bytes():
                raw = part
            case str():
                raw = part.encode()
            case Mapping():
                raw = orjson.dumps(part, option=orjson.OPT_SORT_KEYS)
            case _:
                raw = orjson.dumps(list(part))
        total.update(len(raw).to_bytes(8, "big"))
        total.update(raw)
    return total.hexdigest()


@dataclass(frozen=True)
class Head:
    """The review Task of one revision, as read.

    Attributes:
        reference: `Task/id`.
        version: for `ifMatch`; empty for a head that is created with what it carries.
        revision: 1, 2, ...
        outcome: the Task's status.
        basis: the text of the outcome's basis; empty while it is a first draft.
        signed: a clinician signed (or amended) the result: only a new content may open the next
            revision.
        outputs: what was written, by key: `{"report": "DiagnosticReport/7"}`.
        task: the resource itself; a write starts from it, so that what others added stays.
    """

    reference: str
    version: str
    revision: int
    outcome: Outcome
    basis: str
    signed: bool
    outputs: Mapping[str, str]
    task: Json = field(repr=False)

    @property
    def closed(self) -> bool:
        """Whether a clinician has decided, or the input is gone.

        A closed revision is never written again.
        """
        return self.outcome == "completed"

    def answers(self, basis: Basis) -> bool:
        """Tell whether there is nothing to do.

        This very basis was answered, or only the model changed under a signature.
        """
        if self.signed and self.basis.split(".")[0] == basis.content:
            return True
        return self.basis == str(basis)


def newest(heads: Iterable[Head]) -> Head | None:
    """Return the valid head: the one of the highest revision.

    A crash in a race may leave two of one revision. Then one with an outcome wins, then the first
    that was begun.
    """
    return min(
        heads,
        key=lambda h: (
            -h.revision,
            h.outcome == "draft",
            start(str(h.task.get("authoredOn"))),
            h.reference,
        ),
        default=None,
    )
