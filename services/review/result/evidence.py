"""The models that spoke, their cards, and the pictures of a result."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markupsafe import Markup

from shared.ehr.client import Ehr
from shared.errors import InvalidInput, NotYet
from shared.fhir import codes
from shared.json import Json
from shared.references import relative

MAX_CARD_BYTES: Final = 500_000
MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable(
    "table"
)  # raw HTML stays text, javascript: links are refused

FRONT_MATTER: Final = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(?=[A-Za-z_#][^\r\n]*).*?^(?:---|\.\.\.)[ \t]*\r?(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
"""YAML between two lines of hyphens, as model hubs write it; a rule (`---`) alone is none."""


@dataclass(frozen=True)
class Model:
    """One Device that spoke."""

    device_id: str
    name: str
    version: str
    digest: str
    card: bool


def models(devices: Sequence[Json]) -> list[Model]:
    """The Devices as lines."""
    return [model(d) for d in devices]


def model(device: Json) -> Model:
    """The Device as a line."""
    name = next((n.get("name", "") for n in device.get("deviceName", [])), "") or "Unnamed model"
    digest = next((v.get("value", "") for v in device.get("version", [])), "")
    return Model(
        device["id"],
        name,
        device.get("modelNumber", ""),
        digest,
        card_reference(device) is not None,
    )


def card_reference(device: Json) -> str | None:
    """`DocumentReference/id` of its model card."""
    found = (
        e.get("valueReference", {}).get("reference")
        for e in device.get("extension", [])
        if e.get("url") == codes.AI_MODEL_CARD
    )
    return next((relative(r) for r in found if r), None)


def card_html(ehr: Ehr, device: Json) -> Markup | None:
    """The model card, rendered; None where there is none or it can't be read."""
    text = card_text(ehr, device)
    # markdown-it escapes all HTML of the source
    return None if text is None else Markup(MARKDOWN.render(text))  # noqa: S704


def card_text(ehr: Ehr, device: Json) -> str | None:
    """The body of the model card, in Markdown; None where there is none to be read."""
    reference = card_reference(device)
    document = ehr.read(reference) if reference else None
    if document is None or not codes.has_code(document.get("type"), codes.AI_INPUTS, "AIModelCard"):
        return None
    try:
        attachment = attachment_of(document, "text/markdown") or {}
        text = ehr.attachment(attachment, MAX_CARD_BYTES).decode("utf-8", "replace")
    except (NotYet, InvalidInput):
        return None
    return body(text)


def body(card: str) -> str:
    """Cut the front matter off a model card: it is for machines (pure)."""
    return FRONT_MATTER.sub("", card, count=1)


def picture(media: Json) -> tuple[bytes, str] | None:
    """Bytes and type of a Media's PNG or JPEG; None for anything else."""
    content = media.get("content", {})
    try:
        data = base64.b64decode(content.get("data", ""), validate=True)
    except binascii.Error:
        return None
    for kind, magic in (("image/png", b"\x89PNG\r\n\x1a\n"), ("image/jpeg", b"\xff\xd8\xff")):
        if content.get("contentType") == kind and data.startswith(magic):
            return data, kind
    return None


def attachment_of(document: Json, content_type: str) -> Json | None:
    """Return the document's attachment of this type; None where it has none."""
    attachments = (c.get("attachment", {}) for c in document.get("content", []))
    return next(
        (
            a
            for a in attachments
            if str(a.get("contentType", "")).split(";")[0].strip().lower() == content_type
        ),
        None,
    )
