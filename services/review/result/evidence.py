"""What a result's page needs beside the result itself.

The note's text, what a plan rests on, the model cards. Read from the EHR.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markupsafe import Markup

from services.review.panels import findings, passages, plan
from services.review.panels.declared import panel_of
from services.review.result.read import read_all
from services.review.result.result import Result
from shared.ehr.client import Ehr
from shared.errors import InvalidInput, NotYet
from shared.fhir import codes
from shared.json import Json
from shared.references import is_elsewhere, local_reference, relative, subject_of
from shared.text.decoding import MAX_BYTES, decode

MAX_CARD_BYTES: Final = 500_000
MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable(
    "table"
)  # raw HTML stays text, javascript: links are refused


@dataclass(frozen=True)
class Note:
    """A clinical note: its title and its text, cut where something was found.

    `missing` says why there is no text.

    Attributes:
        aside: how many mentions were set aside for each reason.
    """

    title: str
    segments: Sequence[passages.Segment]
    missing: str = ""
    aside: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class Model:
    """One Device that spoke."""

    device_id: str
    name: str
    version: str
    digest: str
    card: bool


def notes(ehr: Ehr, result: Result) -> list[Note]:
    """Return the notes that the result was drawn from, where its panel shows them."""
    if not panel_of(result.service).marks_text:
        return []
    return [
        _note(ehr, r, result.outputs)
        for r in result.sources
        if r["resourceType"] == "DocumentReference"
    ]


def _note(ehr: Ehr, document: Json, outputs: Mapping[str, Json]) -> Note:
    attachment = _attachment(document, "text/plain") or _attachment(document, "text/html") or {}
    title = findings.name_of(document) or attachment.get("title") or "Clinical note"
    try:
        text = decode(ehr.attachment(attachment, MAX_BYTES), attachment.get("contentType", ""))
    except NotYet:
        return Note(title, (), "The record does not hold the text of this note.")
    except InvalidInput as error:
        return Note(title, (), str(error))
    found = passages.spans(text, outputs)
    return Note(title, passages.marked(text, found), aside=passages.set_aside(found))


def supports(ehr: Ehr, result: Result) -> list[plan.Support]:
    """What the plan rests on, with links to the results' pages; this patient's alone."""
    focus = result.focus
    if focus is None or focus["resourceType"] != "CarePlan":
        return []
    read = read_all(
        ehr,
        [
            relative(r["reference"])
            for e in ("supportingInfo", "addresses")
            for r in focus.get(e, [])
            if "reference" in r
        ],
    )
    ours = {ref: r for ref, r in read.items() if r is not None and subject_of(r) in result.records}
    tasks = [
        t
        for record in result.records
        for t in ehr.search("Task", {"patient": record}, subject=record)
        if codes_ours(t)
    ]
    own = {local_reference(r) for r in result.outputs.values()}
    return plan.supports(
        focus, {ref: r for ref, r in ours.items() if ref not in own}, plan.report_pages(tasks)
    )


def codes_ours(task: Json) -> bool:
    """The Task is a head."""
    return any(i.get("system") == codes.REVISION for i in task.get("identifier", []))


def names(ehr: Ehr, result: Result) -> dict[str, str]:
    """What people call everything that the outputs refer to.

    Drugs, problems, documents; this patient's alone.
    """
    known = {local_reference(r): r for r in (*result.outputs.values(), *result.sources)}
    wanted = {ref for r in result.outputs.values() for ref in _named_by(r) if ref not in known}
    read = (
        r
        for r in read_all(ehr, sorted(wanted)).values()
        if r is not None and subject_of(r) in result.records
    )
    return findings.names_of([*known.values(), *read])


def _named_by(resource: Json) -> list[str]:
    elements = ("implicated", "reasonReference", "addresses")
    items = [item for element in elements for item in resource.get(element, [])]
    items += [resource["priorPrescription"]] if "priorPrescription" in resource else []
    found = [
        relative(i["reference"])
        for i in items
        if isinstance(i, dict) and isinstance(i.get("reference"), str)
    ]
    return [r for r in found if not r.startswith(("urn:", "#")) and not is_elsewhere(r)]


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
    reference = card_reference(device)
    document = ehr.read(reference) if reference else None
    if document is None or not codes.has_code(document.get("type"), codes.AI_INPUTS, "AIModelCard"):
        return None
    try:
        text = ehr.attachment(_attachment(document, "text/markdown") or {}, MAX_CARD_BYTES).decode(
            "utf-8", "replace"
        )
    except (NotYet, InvalidInput):
        return None
    return Markup(MARKDOWN.render(text))  # noqa: S704  # markdown-it escapes all HTML of the source


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


def _attachment(document: Json, content_type: str) -> Json | None:
    attachments = (c.get("attachment", {}) for c in document.get("content", []))
    return next(
        (
            a
            for a in attachments
            if str(a.get("contentType", "")).split(";")[0].strip().lower() == content_type
        ),
        None,
    )
