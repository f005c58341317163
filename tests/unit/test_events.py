"""ResourceEvent on the wire, and JSON from strangers."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput, PoisonRecord
from shared.events import ResourceEvent, decode, encode
from shared.fhir.summary import event_of
from shared.stream.tracing import new_traceparent, trace_id
from shared.text.strict_json import loads

TOKENS = st.text("abcXYZ019-.|/", min_size=1, max_size=20)
EVENTS = st.builds(
    ResourceEvent,
    focus=st.builds(
        "{}/{}".format,
        st.sampled_from(["ImagingStudy", "Condition"]),
        st.text("abc019-.", min_size=3, max_size=20),
    ),
    version=st.text("0123456789", max_size=4),
    action=st.sampled_from(["create", "update", "delete"]),
    subject=st.none() | TOKENS,
    status=st.none() | TOKENS,
    codes=st.lists(TOKENS, max_size=3).map(tuple),
    content_types=st.lists(TOKENS, max_size=2).map(tuple),
    replaces=st.lists(TOKENS, max_size=2).map(tuple),
)


@given(EVENTS)
def test_round_trip(event: ResourceEvent) -> None:
    key, value, headers = encode(event, "http://ehr.example/fhir")
    assert decode(value, headers) == event
    assert key.decode() == event.key
    assert dict(headers)["ce_id"].decode() == event.id


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b'{"focus": "ImagingStudy/1"}',
        b'{"focus": "nope", "action": "create"}',
        b'{"focus": "A/1", "action": "burn"}',
        b'{"focus": "A/1", "action": "create", "name": "Jane Doe"}',
        b'{"focus": "A/1", "action": "create", "codes": "x"}',
        b'{"focus": "A/1", "action": "create", "codes": [1]}',
        b'{"focus": ["A/1"], "action": "create"}',
        b'{"focus": "A/", "action": "create"}',
        b'{"focus": "A/..", "action": "create"}',
        b'{"focus": "A/?x=1", "action": "create"}',
    ],
)
def test_poison_is_named_without_its_content(value: bytes | None) -> None:
    with pytest.raises(PoisonRecord) as refused:
        decode(value)
    assert "Jane" not in str(refused.value)


def test_the_trace_id_is_the_headers() -> None:
    first, second = (
        encode(ResourceEvent("A/1", "1", "create"), "x", new_traceparent())[2] for _ in range(2)
    )
    assert dict(first)["traceparent"].decode().split("-")[1] == trace_id(first) != trace_id(second)
    assert trace_id(encode(ResourceEvent("A/1", "1", "create"), "x")[2]) == "-"


@pytest.mark.parametrize(
    "header",
    [
        b"Jane Doe",
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        b"\xff",
    ],
)
def test_a_header_that_is_no_traceparent_is_not_logged(header: bytes) -> None:
    assert trace_id([("traceparent", header)]) == "-"


def test_an_envelope_that_contradicts_the_body_is_poison() -> None:
    _, value, headers = encode(ResourceEvent("A/1", "1", "create"), "x")
    with pytest.raises(PoisonRecord):
        decode(value, [(k, b"A/2" if k == "ce_subject" else v) for k, v in headers])


def test_the_summary_of_a_resource_holds_codes_and_no_names() -> None:
    resource: dict[str, Any] = {
        "resourceType": "Condition",
        "id": "7",
        "meta": {"versionId": "3", "lastUpdated": "2026-01-01T00:00:00Z"},
        "identifier": [{"system": "https://careloop.example/ns/service", "value": "notes"}],
        "clinicalStatus": {"coding": [{"system": "x", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": "y", "code": "unconfirmed"}]},
        "code": {
            "coding": [
                {"system": "http://snomed.info/sct", "code": "38341003", "display": "Hypertension"}
            ],
            "text": "her blood pressure",
        },
        "subject": {"reference": "Patient/1/_history/2", "display": "Jane Doe"},
    }
    event = event_of(resource, "update")
    assert (event.focus, event.version, event.subject) == ("Condition/7", "3", "Patient/1")
    assert (event.status, event.verification) == ("active", "unconfirmed")
    assert event.answer_of == "notes"
    assert event.codes == ("http://snomed.info/sct|38341003",)
    assert not {b"Jane", b"pressure", b"Hypertension"} & {
        w for w in (b"Jane", b"pressure", b"Hypertension") if w in encode(event, "x")[1]
    }


def test_the_summary_of_a_resource_leaves_out_codings_without_a_code() -> None:
    said = {"coding": [{"system": "x", "display": "Hypertension"}]}
    event = event_of(
        {
            "resourceType": "Condition",
            "id": "7",
            "clinicalStatus": said,
            "verificationStatus": said,
            "code": said,
        },
        "update",
    )
    assert (event.status, event.verification, event.codes) == (None, None, ())


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b'{"x": {"a": 1, "a": 1}}',
        b"NaN",
        b'{"a": Infinity}',
        b"1e400",
        b"[" * 100 + b"]" * 100,
        b"\xff",
        b'{"a": }',
        b"",
    ],
)
def test_bad_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        loads(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
        lambda c: st.lists(c, max_size=3) | st.dictionaries(st.text(max_size=3), c, max_size=3),
    )
)
def test_good_json_is_read(value: Any) -> None:
    assert loads(orjson.dumps(value)) == value
