"""ResourceEvent: the records of `careloop.events`, and their envelope.

The envelope is CloudEvents 1.0 (binary mode, CloudEvents Kafka binding 3.2). The value is a small
JSON object that intake makes by reading the focus once: references, status and codes, never the
resource and never a name. Services decide on it alone whether they accept the event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Literal, cast, get_args

import orjson

from shared.errors import PoisonRecord
from shared.references import ONE_STEP, type_of

Action = Literal["create", "update", "delete"]
CONTENT_TYPE = "application/json"
Headers = Sequence[tuple[str, bytes]]
LISTS = ("codes", "content_types", "replaces", "links")


@dataclass(frozen=True)
class ResourceEvent:
    """A change of one resource of the EHR.

    Attributes:
        focus: `Type/id`, relative to the EHR's base.
        version: `meta.versionId` as the EHR wrote it; empty when it keeps none.
        action: what happened. A delete carries no codes: the resource is gone.
        subject: `Patient/id` (or another type, or a URL of another system: then nobody analyses
            it), None when the resource names none.
        status: `status` (for a Condition its `clinicalStatus` code).
        intent: `intent`, or None.
        verification: a Condition's `verificationStatus` code, or None.
        codes: `system|code` of category, type, code and modality, sorted.
        content_types: the MIME types of a DocumentReference's attachments.
        replaces: `DocumentReference/id` of what a DocumentReference replaces.
        links: `Patient/id` of the records with which a Patient was merged.
        answer_of: the service with this resource as its answer; None for what careloop did not
            write.
        time: `meta.lastUpdated`, an instant with zone.
    """

    focus: str
    version: str
    action: Action
    subject: str | None = None
    status: str | None = None
    intent: str | None = None
    verification: str | None = None
    codes: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    answer_of: str | None = None
    time: str = ""

    @property
    def type(self) -> str:
        """The resource type of the focus."""
        return type_of(self.focus)

    @property
    def key(self) -> str:
        """The key of its record: all events of one patient share a lane."""
        return self.subject or self.focus

    @property
    def id(self) -> str:
        """The CloudEvents id: the same version of the same resource is the same event.

        A number comes again where a resource was expunged; its instant does not.
        """
        return f"{self.focus}/_history/{self.version}@{self.time}"


def encode(
    event: ResourceEvent, source: str, traceparent: str | None = None
) -> tuple[bytes, bytes, Headers]:
    """Return (key, value, headers) of the record.

    Args:
        source: the EHR's base URL.
    """
    value = orjson.dumps({k: v for k, v in asdict(event).items() if v not in (None, (), "")})
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event.id,
        "ce_source": source,
        "ce_type": f"careloop.{event.type.lower()}.{event.action}",
        "ce_subject": event.focus,
        "ce_time": event.time,
        "content-type": CONTENT_TYPE,
        "traceparent": traceparent,
    }
    return event.key.encode(), value, [(k, v.encode()) for k, v in headers.items() if v]


def decode(value: bytes | None, headers: Headers = ()) -> ResourceEvent:
    """Read the event in a record.

    Raises:
        PoisonRecord: not JSON, not an object, an unknown or missing field, a wrong type, or an
            envelope that contradicts it.
    """
    body = _object(value)
    unknown = sorted(set(body) - {f.name for f in fields(ResourceEvent)})
    if unknown:
        raise PoisonRecord(f"{len(unknown)} unknown field(s)")
    for name, item in body.items():
        _check(name, item)
    for name in ("focus", "action"):
        if name not in body:
            raise PoisonRecord(f"`{name}` is missing")
    lists = {name: tuple(cast(list[str], body[name])) for name in LISTS if name in body}

    # The types were checked above.
    event = ResourceEvent(**cast(dict[str, str], {"version": "", **body, **lists}))  # type: ignore[arg-type]

    envelope = {k.lower(): v for k, v in headers}
    if envelope.get("ce_subject", event.focus.encode()) != event.focus.encode():
        raise PoisonRecord("`ce_subject` and `focus` differ")
    return event


def _object(value: bytes | None) -> Mapping[str, object]:
    if value is None:
        raise PoisonRecord("the record has no value")
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise PoisonRecord(f"not JSON at position {error.pos}") from None
    if not isinstance(body, dict):
        raise PoisonRecord("not a JSON object")
    return body


def _check(name: str, item: object) -> None:
    if name in LISTS:
        good = isinstance(item, list) and all(isinstance(i, str) for i in item)
    elif name == "action":
        good = item in get_args(Action)
    elif name == "focus":
        good = isinstance(item, str) and ONE_STEP.fullmatch(item) is not None
    else:
        good = isinstance(item, str)
    if not good:
        raise PoisonRecord(f"`{name}` is not of its type")
