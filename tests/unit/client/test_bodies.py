"""Client: bodies that are broken on the way, or are no resource."""

import gzip
import time
from collections.abc import Iterator

import pytest

from shared.ehr.wire.response import Response
from shared.errors import Unavailable
from tests.served import Asked
from tests.unit.client.support import TASK, Answering

BODY = b'{"resourceType": "Task", "id": "1"}'
HEAD = b"HTTP/1.1 200 OK\r\n"
PACKED = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize("half", [rb"\ud800", rb"\uDFFF", b"\xed\xa0\x80"])
def test_half_a_character_is_replaced_and_stops_nobody(answering: Answering, half: bytes) -> None:
    name = b'{"text": "a' + half + rb'b \\ud800 \ud83e\ude7a"}'
    body = b'{"resourceType": "Patient", "id": "1", "name": [' + name + b"]}"
    read = answering(lambda _: Response(200, {}, body)).read("Patient/1")
    assert read and read["name"][0]["text"] == "a\ufffdb \\ud800 🩺"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"",
        rb'{"a": "\ud800"',
        rb'{"a": ["\ud800", NaN]}',
        rb'["\ud800"' + b"[" * 99_999,
    ],
)
def test_what_is_no_resource_says_nothing_about_the_request(
    answering: Answering, body: bytes
) -> None:
    with pytest.raises(Unavailable):
        answering(lambda _: Response(200, {}, body)).read("Patient/1")


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(BODY),
        gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]),
    ],
)
def test_gzip_is_asked_for_and_unpacked(answering: Answering, body: bytes) -> None:
    accepted = []

    def respond(asked: Asked) -> Response:
        accepted.append(asked.headers["accept-encoding"])
        return Response(200, {"content-encoding": "GZIP"}, body)

    assert answering(respond).read("Task/1") == {"resourceType": "Task", "id": "1"}
    assert accepted == ["gzip"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (PACKED, b"not gzip"),
        (PACKED, gzip.compress(BODY)[:-6]),
        (PACKED, gzip.compress(BODY)[:5]),
        (PACKED, gzip.compress(BODY) + b"more"),
        (PACKED, gzip.compress(BODY)[:-8] + bytes(8)),
        ({"Content-Encoding": "br"}, BODY),
    ],
)
def test_a_body_that_does_not_unpack_is_a_fault_of_the_way(
    answering: Answering, headers: dict[str, str], body: bytes
) -> None:
    ehr = answering(lambda _: Response(200, headers, body))
    with pytest.raises(Unavailable, match=r"BadBody at http://127\.0\.0\.1") as broken:
        ehr.read("Task/1")
    assert (broken.value.dependency, broken.value.fleeting) == ("ehr", True)
    with pytest.raises(Unavailable) as once:
        ehr.create(TASK)
    assert not once.value.fleeting


@pytest.mark.parametrize(
    "wire",
    [
        HEAD + b"Content-Length: 99\r\n\r\n" + BODY,
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 2",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_breaks_off_is_none_and_a_write_is_sent_once(
    answering: Answering, wire: bytes
) -> None:
    methods = []

    def respond(asked: Asked) -> list[bytes]:
        methods.append(asked.method)
        return [wire]

    ehr = answering(respond)
    with pytest.raises(Unavailable):
        ehr.create(TASK)
    assert methods == ["POST"]
    with pytest.raises(Unavailable):
        ehr.read("Task/1")
    assert methods == ["POST", "GET", "GET", "GET"]


def test_a_body_that_trickles_ends_with_the_timeout(answering: Answering) -> None:
    def trickle() -> Iterator[bytes]:
        yield HEAD + b"Content-Length: 1000\r\n\r\n"
        for _ in range(100):
            time.sleep(0.1)
            yield b" "

    began = time.monotonic()
    with pytest.raises(Unavailable):
        answering(lambda _: trickle()).create(TASK)
    assert time.monotonic() - began < 5
