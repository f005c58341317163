"""Build the printed report of a signed result from what the EHR holds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from services.review import clock, present
from services.review.access.session import User
from services.review.banner.patient import Banner, banner_of
from services.review.banner.times import times_of
from services.review.decision.decide import text_of
from services.review.decision.exchange.left import left
from services.review.decision.words import Piece, Words, words_of
from services.review.panels import findings
from services.review.panels.declared import panel_of
from services.review.panels.material import Material
from services.review.report import standing
from services.review.report.content import Line, Report, Run, Section, Weight, named, text
from services.review.report.limits import limits_in
from services.review.report.parts import sections_of
from services.review.result import evidence
from services.review.result.merged import Notice, notices
from services.review.result.read import newest_head
from services.review.result.result import Result
from services.review.state import Review
from services.review.worklist.listing import title
from shared import instants
from shared.answers import Head
from shared.ehr.client import Ehr
from shared.fhir import codes
from shared.fhir.urgency.acknowledgement import acknowledgement_of
from shared.json import Json
from shared.references import identifiers_of, local_reference, version_of

NO_CARD: Final = "The record holds no model card that can be read: its limits are not known here."
NO_LIMITS: Final = "Its card has no part on its limits: read the whole card in the record."
NO_TIME: Final = "The time of the {} is not recorded"
ELECTRONIC: Final = (
    "The signature is electronic and stands in the record. This paper is a copy: where the two "
    "differ, the record counts."
)
FEW: Final = 6
"""Inputs that are named before the conclusion."""
STILL_ACTIVE: Final = "An order that it replaces is still active."
MARKS: Final[Mapping[str, tuple[str, Weight]]] = {
    "struck": ("taken out", "struck"),
    "added": ("added", "underlined"),
}


def report_of(shared: Review, user: User, result: Result, focus: Json) -> Report:
    """Build it, as of now.

    Args:
        focus: the result's report or plan.
    """
    zone = ZoneInfo(shared.settings.timezone)
    banner = banner_of(shared.ehr, result, zone)
    signed = standing.signature_of(result)
    panel = panel_of(result.service)
    material = Material(result.at(shared.ehr), shared.settings, shared.films, result, panel)
    sections = [
        _examined(result, focus, zone),
        _conclusion(focus),
        *sections_of(material),
        *_amended(result, focus),
        _signature(result, signed, zone),
        *_reasoning(focus),
        *_models(shared, result),
        *_inputs(result),
        _references(result, focus),
    ]
    warned = standing.warnings_of(result, focus, _newest(shared, result))
    return Report(
        title=title(result.head.task),
        kind=panel.title,
        standing=f"{signed.words} by {signed.who}, {clock.when(signed.when, zone)}",
        patient=_patient(banner),
        patient_line=_patient_line(banner),
        sections=[section for section in sections if section.lines],
        printed=f"Printed on {clock.when(instants.now(), zone)} by {user.name}",
        reference=f"{result.head.reference}, revision {result.head.revision}",
        void=standing.void_of(focus),
        drafted=signed.drafted,
        warnings=[*_left(shared, result), *warned, *map(_on_paper, notices(result))],
    )


def _on_paper(notice: Notice) -> str:
    """Name the record that the page links to: paper has no links."""
    return f"{notice.text} {notice.leads}: {notice.record}." if notice.record else notice.text


def _patient(banner: Banner) -> list[tuple[str, str]]:
    names = banner.names
    doubts = [
        (i.label, f"{i.value} ({i.doubt})" if i.doubt else i.value) for i in banner.identifiers
    ]
    rows = [
        ("Name", banner.name),
        ("Formerly", ", ".join(names.formerly) if names else ""),
        ("Born", f"{banner.born} ({banner.age})" if banner.age else banner.born),
        ("Sex", banner.sex),
        *(doubts or [("Identifier", "not recorded")]),
        ("Record", banner.subject),
        ("Allergies", banner.allergies.words if banner.names else ""),
        ("Note", banner.birth_doubt.capitalize()),
        ("Note", banner.deceased),
        ("Note", "This record is marked as not in use" if banner.inactive else ""),
    ]
    return [(label, value) for label, value in rows if value]


def _patient_line(banner: Banner) -> str:
    first = next((f"{i.label} {i.value}" for i in banner.identifiers), banner.subject)
    return f"{banner.name}, born {banner.born}, {first}"


def _examined(result: Result, focus: Json, zone: tzinfo) -> Section:
    times = times_of(result, zone, instants.today(zone))
    what = times.what if times else "input"
    of = f"{what.capitalize()} of {times.of}" if times and times.of else NO_TIME.format(what)
    issued = focus.get("issued") or focus.get("created")
    read = f"analysed {clock.when(issued, zone)}" if issued else "when it was analysed is not known"
    lines = [text(f"{of}; {read}.")]
    if times and times.now:
        lines.append(text(f"The record says {times.now} now."))
    if len(result.sources) > FEW:
        lines.append(
            text(f"{len(result.sources)} entries of the record, listed at the end.", "small")
        )
    else:
        lines += map(_input, result.sources)
    return Section("What was analysed", lines)


def _inputs(result: Result) -> list[Section]:
    """List the inputs at the end, where they are many: a plan rests on dozens."""
    lines = [_input(resource) for resource in result.sources]
    return [Section("All that was analysed", lines)] if len(lines) > FEW else []


def _input(resource: Json) -> Line:
    name = findings.name_of(resource) or resource["resourceType"]
    return text(f"{name} ({local_reference(resource)})", "small")


def _conclusion(focus: Json) -> Section:
    is_plan = focus["resourceType"] == "CarePlan"
    lines = [named(str(focus["title"]), style="lead")] if focus.get("title") else []
    said = text_of(focus)
    lines += [text(said)] if said else []
    if not lines:
        lines = [text("The report has no conclusion.")]
    coded = ", ".join(filter(None, map(present.concept_text, focus.get("conclusionCode", []))))
    lines += [text(f"Coded as: {coded}", "small")] if coded else []
    return Section("Plan" if is_plan else "Conclusion", lines)


def _amended(result: Result, focus: Json) -> list[Section]:
    decision = codes.first_code(result.head.task.get("businessStatus"), codes.DECISION)
    if decision != "amended":
        return []
    words = words_of(result.provenance, text_of(focus))
    if words.said is None:
        return [Section("What the AI said", [text("The record does not hold the AI's words.")])]
    said = [text(words.said or "The AI's draft had no conclusion.")]
    return [Section("What the AI said", said), Section("What the clinician changed", _diff(words))]


def _diff(words: Words) -> list[Line]:
    if not words.pieces:
        return [text("The clinician left the words as they are.")]
    return [Line([_piece(piece) for piece in words.pieces])]


def _piece(piece: Piece) -> Run:
    """Return a run of words; a mark says in words what became of it."""
    if piece.fate == "same":
        return Run(piece.text)
    words = piece.text.rstrip()
    mark, weight = MARKS[piece.fate]
    return Run(f"[{mark}: {words}]{piece.text[len(words) :] or ' '}", weight)


def _signature(result: Result, signed: standing.Signature, zone: tzinfo) -> Section:
    when = partial(clock.when, zone=zone)
    lines = [
        named(signed.words, style="lead"),
        text(f"By: {signed.who}"),
        text(f"When: {when(signed.when)}"),
        *([text(f"Reason: {signed.reason}")] if signed.reason else []),
        *_acknowledged(result, when),
        *(text(str(note.get("text", ""))) for note in result.head.task.get("note", [])),
        text(f"{signed.drafted} {ELECTRONIC}", "small"),
    ]
    return Section("Signature", lines)


def _acknowledged(result: Result, when: Callable[[str], str]) -> list[Line]:
    seen = acknowledgement_of(result.head.task)
    if seen is None:
        return []
    time = when(seen.time) if seen.time else "at a time that is not recorded"
    return [text(f"Acknowledged by {seen.name or seen.person}, {time}")]


def _left(shared: Review, result: Result) -> list[str]:
    """Name the orders that go on beside those that replace them."""
    return [
        f"STILL ACTIVE: {', '.join(filter(None, [e.order.name, e.order.dosage]))}. "
        f"{e.why or STILL_ACTIVE}"
        for e in left(shared.ehr, result)
    ]


def _reasoning(focus: Json) -> list[Section]:
    if focus["resourceType"] != "CarePlan":
        return []
    notes = (str(note.get("text", "")) for note in focus.get("note", []))
    lines = [text(note) for note in notes if note]
    return [Section("Reasoning and limits", lines)] if lines else []


def _models(shared: Review, result: Result) -> list[Section]:
    return [_model(result.at(shared.ehr), device) for device in result.devices]


def _model(ehr: Ehr, device: Json) -> Section:
    model = evidence.model(device)
    card = evidence.card_text(ehr, device)
    limits: Sequence[str] = limits_in(card) if card is not None else ()
    said: Iterable[str] = limits or ([NO_LIMITS] if card is not None else [NO_CARD])
    lines = [
        named(model.name, f"version {model.version or 'not stated'}", style="text"),
        text(f"Digest of its weights or rules: {model.digest or 'not stated'}", "small"),
        named("Its limits", style="lead"),
        *(text(words, "item") for words in said),
    ]
    return Section("Made by", lines)


def _references(result: Result, focus: Json) -> Section:
    held = f"{local_reference(focus)}, version {version_of(focus) or 'not numbered'}"
    state = f"status {standing.status_of(focus)}"
    return Section(
        "In the record",
        [
            text(f"{held}, {state}", "small"),
            text(f"Review: {result.head.reference}, revision {result.head.revision}", "small"),
        ],
    )


def _newest(shared: Review, result: Result) -> Head | None:
    ours = (i for i in identifiers_of(result.head.task) if i.get("system") == codes.ANSWER)
    answer = next((str(i["value"]) for i in ours if "value" in i), "")
    return newest_head(result.at(shared.ehr), answer)
