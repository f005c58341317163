"""The attachments of a document, opened one after another."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import InvalidInput
from shared.json import Json
from shared.text.doors.opened import Opened
from shared.text.doors.opening import open_attachment

MEDIA_TYPE: Final = re.compile(r"[a-z]+/[\w.+-]{1,60}")


@dataclass(frozen=True)
class Part:
    """An attachment that was read.

    Attributes:
        attachment: its place in `DocumentReference.content`, from 0.
        label: its media type as the record has it; empty where that is none.
        language: what the record declares (`en-US`), or None.
    """

    attachment: int
    label: str
    language: str | None
    opened: Opened


@dataclass(frozen=True)
class Refused:
    """An attachment that could not be read, and why."""

    attachment: int
    label: str
    reason: str


@dataclass(frozen=True)
class Document:
    """A document whose attachments were opened.

    Attributes:
        count: how many attachments it has.
        parts: those that were read, in order; one that repeats the words of another is left out: it
            is the same text in another format. Of two the one that strikes out is kept.
    """

    count: int
    parts: Sequence[Part]
    refused: Sequence[Refused]

    @property
    def unread(self) -> list[str]:
        """What was not read, a sentence each."""
        inner = ((p, sentence) for p in self.parts for sentence in p.opened.unread)
        found = [
            *((r.attachment, r.label, r.reason) for r in self.refused),
            *((p.attachment, p.label, sentence) for p, sentence in inner),
        ]
        return [self._named(*one) for one in sorted(found, key=lambda f: f[0])]

    @property
    def doubts(self) -> list[str]:
        """What was read by a guess, a sentence each."""
        return [self._named(p.attachment, p.label, d) for p in self.parts for d in p.opened.doubts]

    def _named(self, attachment: int, label: str, sentence: str) -> str:
        if self.count == 1:
            return sentence
        return f"Attachment {attachment + 1}{f' ({label})' if label else ''}: {sentence}"


def open_document(document: Json, fetch: Callable[[Json], bytes]) -> Document:
    """Open every attachment of a DocumentReference, in order.

    Args:
        fetch: reads the bytes of an Attachment; what it raises, InvalidInput aside, passes.
    """
    parts: list[Part] = []
    refused: list[Refused] = []
    known: dict[str, int] = {}
    attachments = list(_attachments(document))
    for i, attachment in enumerate(attachments):
        label = label_of(attachment)
        try:
            opened = open_attachment(fetch(attachment), str(attachment.get("contentType", "")))
        except InvalidInput as refusal:
            refused.append(Refused(i, label, refusal.reason))
            continue
        words = "".join(c for c in opened.text.casefold() if c.isalnum())
        language = attachment.get("language")
        part = Part(i, label, language if isinstance(language, str) else None, opened)
        if words not in known:
            known[words] = len(parts)
            parts.append(part)
        elif opened.struck and not parts[known[words]].opened.struck:
            parts[known[words]] = part
    return Document(len(attachments), tuple(parts), tuple(refused))


def label_of(attachment: Json) -> str:
    """Return the media type that an Attachment is labelled with; empty: it is none."""
    stated = str(attachment.get("contentType", "")).split(";", 1)[0].strip().lower()
    return stated if MEDIA_TYPE.fullmatch(stated) else ""


def _attachments(document: Json) -> Iterator[Json]:
    contents: Any = document.get("content")
    for content in contents if isinstance(contents, list) else ():
        attachment = content.get("attachment") if isinstance(content, dict) else None
        yield attachment if isinstance(attachment, dict) else {}
