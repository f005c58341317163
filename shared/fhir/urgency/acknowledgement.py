"""The acknowledgement of an urgent result: who, when, since when (pure).

It is a `Task.input` of the head, of type `acknowledged`: an Annotation with its author and time.
What is written anew has to be seen anew, so a head that is drawn again loses it. Since when it
waits stands in `Task.restriction.period.start`; within which time is the hospital's to say.
"""

from dataclasses import dataclass
from typing import Final

from shared.fhir import codes
from shared.fhir.times.stated import date_time, items, mapping
from shared.fhir.urgency.priority import PRIORITIES, Priority
from shared.instants import start
from shared.json import Json
from shared.references import relative

ACKNOWLEDGED: Final = "acknowledged"
URGENT: Final[tuple[Priority, ...]] = ("stat", "asap", "urgent")
"""Only results of these classes wait to be acknowledged."""
SEEN: Final = "Acknowledged: this result was seen."


@dataclass(frozen=True)
class Acknowledgement:
    """Who has seen a result.

    Attributes:
        person: `Practitioner/id`.
        time: an instant as the record states it; empty: it states none.
    """

    person: str
    name: str
    time: str


def acknowledgement_of(task: Json) -> Acknowledgement | None:
    """Read the first acknowledgement that names its author; None: nobody has seen it."""
    for part in filter(_is_ours, items(task.get("input"))):
        said = mapping(part.get("valueAnnotation"))
        author = mapping(said.get("authorReference"))
        if isinstance(reference := author.get("reference"), str):
            name = author.get("display")
            time = date_time(said.get("time")) or ""
            return Acknowledgement(relative(reference), str(name or ""), time)
    return None


def acknowledged(task: Json, person: str, name: str, now: str) -> Json:
    """Return the Task with an acknowledgement; the first one stays.

    Args:
        person: `Practitioner/id`.
    """
    if acknowledgement_of(task):
        return task
    said = {"authorReference": codes.reference(person, name), "time": now, "text": SEEN}
    part = {"type": codes.concept(codes.TASK_PART, ACKNOWLEDGED), "valueAnnotation": said}
    return task | {"input": [*task.get("input", []), part]}


def unacknowledged(task: Json) -> Json:
    """Return the Task without any acknowledgement."""
    kept = [part for part in task.get("input", []) if not _is_ours(part)]
    return {k: v for k, v in task.items() if k != "input"} | ({"input": kept} if kept else {})


def waits_since(task: Json) -> str:
    """Read since when it waits to be acknowledged; empty: the record states no time.

    No version can wait since a time later than its own: the writer's clock may be ahead. Heads of
    former versions of careloop state no time of their own, and wait since they were begun.
    """
    period = mapping(mapping(task.get("restriction")).get("period"))
    stated = date_time(period.get("start")) or date_time(task.get("authoredOn"))
    written = date_time(mapping(task.get("meta")).get("lastUpdated"))
    return min(filter(None, (stated, written)), key=start, default="")


def asked_since(before: Json, priority: Priority, now: str) -> str | None:
    """Return since when a result waits to be acknowledged; None: it need not be.

    Whoever draws a waiting result again and again must not put off its time for ever.

    Args:
        before: the head as it stands.
    """
    if priority not in URGENT:
        return None
    known = str(before.get("priority"))
    waited = before.get("status") == "requested" and acknowledgement_of(before) is None
    if waited and known in PRIORITIES[: PRIORITIES.index(priority) + 1]:
        return waits_since(before) or now
    return now


def waiting(task: Json, since: str | None) -> Json:
    """Return the Task with the time since when it waits.

    Args:
        since: None: nobody is asked to acknowledge it.
    """
    others = {k: v for k, v in mapping(task.get("restriction")).items() if k != "period"}
    stated = others | ({"period": {"start": since}} if since else {})
    kept = {k: v for k, v in task.items() if k != "restriction"}
    return kept | ({"restriction": stated} if stated else {})


def _is_ours(part: Json) -> bool:
    return codes.has_code(part.get("type"), codes.TASK_PART, ACKNOWLEDGED)
