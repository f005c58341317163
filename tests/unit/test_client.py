"""The FHIR client where things go wrong: retries, lost answers, foreign hosts, attachments that
lie.
"""

import base64
import hashlib
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from shared.ehr.capabilities import missing_capabilities, subscription_topics
from shared.ehr.client import Ehr, Written, open_ehr
from shared.ehr.http import Rest, failure, retry_after
from shared.ehr.responses import issues_of, onto, version_in, versions, with_since
from shared.ehr.scopes import permission_needed, permissions, scope_text
from shared.errors import (
    CareloopError,
    Conflict,
    FhirError,
    InvalidInput,
    Misconfigured,
    NotYet,
    Unavailable,
)
from shared.json import Json
from shared.references import subject_of
from shared.settings import ELSEWHERE, Settings, load_settings
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.hooks import Listener

TASK: Json = {"resourceType": "Task", "status": "draft", "intent": "order"}


@pytest.fixture
def fake() -> Iterator[FakeEhr]:
    with FakeEhr(SEKMET) as started:
        yield started


@pytest.fixture
def ehr(fake: FakeEhr) -> Iterator[Ehr]:
    client = open_ehr(load_settings(fhir_url=fake.base, fhir_timeout_sec=20))
    yield client
    client.close()


def answering(
    respond: Callable[[httpx.Request], httpx.Response],
    base: str = "http://ehr.test/fhir",
    **options: Any,
) -> Ehr:
    """An Ehr whose server is a function."""
    client = httpx.Client(transport=httpx.MockTransport(respond))
    return Ehr(Rest(client, base, 2.0), **options)


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/.",
        "Patient/..",
        "http://elsewhere/Patient/..",
        "Patient/%2e%2e",
        "#contained",
        "urn:uuid:1",
        "Patient/",
        "",
    ],
)
def test_what_is_no_reference_to_a_resource_is_not_asked_for(
    fake: FakeEhr, ehr: Ehr, reference: str
) -> None:
    fake.requests.clear()
    assert ehr.read(reference) is None
    assert not fake.requests


class TestRetries:
    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_a_read_is_tried_three_times(self, fake: FakeEhr, ehr: Ehr, status: int) -> None:
        made = ehr.create(TASK).reference
        fake.faults.fail(2, status, retry_after="0", method="GET")
        assert (ehr.read(made) or {})["status"] == "draft"
        fake.faults.fail(3, status, retry_after="0", method="GET")
        with pytest.raises(Unavailable) as down:
            ehr.read(made)
        assert (down.value.dependency, down.value.retry_after_sec) == ("ehr", 0.0)

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_write_is_repeated_when_the_server_did_nothing(
        self, fake: FakeEhr, ehr: Ehr, status: int
    ) -> None:
        fake.faults.fail(2, status, retry_after="0", method="POST")
        ehr.create(TASK)
        assert len(fake.resources("Task")) == 1

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_a_write_that_may_have_been_done_is_not_repeated(
        self, fake: FakeEhr, ehr: Ehr, status: int
    ) -> None:
        fake.faults.fail(1, status, method="POST")
        with pytest.raises(Unavailable):
            ehr.create(TASK)
        assert fake.resources("Task") == []

    def test_a_lost_answer_is_not_a_second_write(self, fake: FakeEhr, ehr: Ehr) -> None:
        fake.faults.drop_after_write()
        with pytest.raises(Unavailable):
            ehr.create(TASK)
        assert len(fake.resources("Task")) == 1
        entry = {"resource": TASK, "request": {"method": "POST", "url": "Task"}}
        fake.faults.drop_after_write()
        with pytest.raises(Unavailable):
            ehr.transact({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
        assert len(fake.resources("Task")) == 2

    def test_a_lost_read_is_asked_for_again(self, fake: FakeEhr, ehr: Ehr) -> None:
        made = ehr.create(TASK).reference
        fake.faults.drop_after_write(method="GET")
        assert ehr.read(made) is not None

    def test_retry_after_is_honoured_within_the_limit_and_reported_beyond_it(
        self, fake: FakeEhr, ehr: Ehr
    ) -> None:
        made = ehr.create(TASK).reference
        fake.faults.fail(1, 503, retry_after="1", method="GET")
        began = time.monotonic()
        assert ehr.read(made) is not None
        assert time.monotonic() - began >= 1
        fake.faults.fail(1, 503, retry_after="60", method="GET")
        began = time.monotonic()
        with pytest.raises(Unavailable) as down:
            ehr.read(made)
        assert time.monotonic() - began < 10
        assert down.value.retry_after_sec == 60

    def test_a_slow_server_is_unavailable_in_time(self, fake: FakeEhr) -> None:
        fake.faults.latency_sec = 20
        began = time.monotonic()
        with (
            open_ehr(load_settings(fhir_url=fake.base, fhir_timeout_sec=0.3)) as ehr,
            pytest.raises(Unavailable),
        ):
            ehr.read("Task/1")
        assert time.monotonic() - began < 5

    def test_nobody_listens(self) -> None:
        with (
            open_ehr(load_settings(fhir_url="http://127.0.0.1:9/fhir", fhir_timeout_sec=2)) as ehr,
            pytest.raises(Unavailable, match="ConnectError"),
        ):
            ehr.capabilities()

    def test_dates_in_retry_after(self) -> None:
        def asked(text: str) -> float | None:
            return retry_after(httpx.Response(503, headers={"Retry-After": text}))

        assert asked("120") == 120
        assert asked("Wed, 21 Oct 2015 07:28:00 GMT") == 0
        assert asked("soon") is None
        assert retry_after(httpx.Response(503)) is None


@pytest.mark.parametrize(
    ("status", "forwarded", "expected"),
    [
        (409, False, Conflict),
        (412, False, Conflict),
        (400, False, FhirError),
        (422, False, FhirError),
        (403, False, FhirError),
        (501, False, FhirError),
        (500, False, Unavailable),
        (429, False, Unavailable),
        (401, False, Unavailable),
        (401, True, FhirError),
        (302, False, FhirError),
    ],
)
def test_what_a_status_means(status: int, forwarded: bool, expected: type[CareloopError]) -> None:
    assert isinstance(
        failure(httpx.Response(status), "PUT Task/1", safe=False, forwarded=forwarded), expected
    )


def test_a_page_of_a_proxy_is_no_answer() -> None:
    with pytest.raises(Unavailable, match="without FHIR JSON"):
        answering(lambda _: httpx.Response(200, text="<html>please log in</html>")).read(
            "Patient/1"
        )


def test_each_request_is_announced_without_its_query_and_may_be_stopped(fake: FakeEhr) -> None:
    seen: list[tuple[str, str]] = []
    with open_ehr(
        load_settings(fhir_url=fake.base), before=lambda method, place: seen.append((method, place))
    ) as ehr:
        made = ehr.create(TASK).reference
        list(ehr.search("Task", {"identifier": "a|secret"}))
        list(ehr.history("Task", "2020-01-01T00:00:00Z"))
    assert seen == [("POST", "Task"), ("GET", "Task"), ("GET", "Task/_history")]

    def refuse(method: str, place: str) -> None:
        raise OSError("disk full")

    with (
        open_ehr(load_settings(fhir_url=fake.base), before=refuse) as ehr,
        pytest.raises(OSError, match="disk full"),
    ):
        ehr.read(made)
    assert len(fake.requests) == 3


def test_searches_and_reads_ask_for_no_cache(fake: FakeEhr, ehr: Ehr) -> None:
    ehr.read("Task/1")
    list(ehr.search("Task", {}))
    list(ehr.history("Task", "2020-01-01T00:00:00Z"))
    assert [headers["cache-control"] for _, _, headers in fake.requests] == ["no-cache"] * 3


class TestConnections:
    def test_one_that_was_idle_is_not_used_again(
        self, fake: FakeEhr, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.ehr.client.KEEPALIVE_SEC", 1.5)
        opened = []
        connect = socket.create_connection
        monkeypatch.setattr(
            socket,
            "create_connection",
            lambda *place, **options: opened.append(place) or connect(*place, **options),
        )
        with open_ehr(load_settings(fhir_url=fake.base)) as ehr:
            for pause in (0.0, 0.0, 2.0):
                time.sleep(pause)
                ehr.read("Task/none")
        assert len(opened) == 2  # two reads on one, the third on another


class TestLinks:
    BASE = "https://ehr.example/r4/fhir"

    @pytest.mark.parametrize(
        ("link", "expected"),
        [
            (
                "http://internal:8080/r4/fhir/Task?_offset=2",
                "https://ehr.example/r4/fhir/Task?_offset=2",
            ),
            (
                "http://internal:8080/fhir/Task?_offset=2",
                "https://ehr.example/r4/fhir/Task?_offset=2",
            ),
            (
                "http://internal:8080/fhir?_getpages=a&b=c",
                "https://ehr.example/r4/fhir?_getpages=a&b=c",
            ),
            (
                "http://internal:8080/fhir/Task/_history?_offset=2",
                "https://ehr.example/r4/fhir/Task/_history?_offset=2",
            ),
            ("Task?_offset=2", "https://ehr.example/r4/fhir/Task?_offset=2"),
            ("_page/7", "https://ehr.example/r4/fhir/_page/7"),
            ("https://ehr.example/r4/fhir/_page/7", "https://ehr.example/r4/fhir/_page/7"),
        ],
    )
    def test_a_next_links_host_is_ignored(self, link: str, expected: str) -> None:
        assert onto(self.BASE, link, "Task") == expected

    @pytest.mark.parametrize(
        ("base", "link", "expected"),
        [
            (
                "https://ehr.example",
                "http://hapi:8080/fhir?_getpages=a&b=c",
                "https://ehr.example?_getpages=a&b=c",
            ),
            (
                "https://ehr.example",
                "http://hapi:8080/fhir/Task?_offset=2",
                "https://ehr.example/Task?_offset=2",
            ),
            ("https://ehr.example", "https://ehr.example/_page/7", "https://ehr.example/_page/7"),
            (
                "https://ehr.example/fhir",
                "http://hapi:8080/fhir/R4?_getpages=a",
                "https://ehr.example/fhir?_getpages=a",
            ),
            (
                "https://ehr.example/fhir",
                "http://hapi:8080/fhir/R4/Task/_history?_offset=2",
                "https://ehr.example/fhir/Task/_history?_offset=2",
            ),
            (
                "https://ehr.example/fhir",
                "http://hapi:8080/?_getpages=a",
                "https://ehr.example/fhir?_getpages=a",
            ),
        ],
    )
    def test_a_proxy_may_map_the_root_or_a_part_of_the_path(
        self, base: str, link: str, expected: str
    ) -> None:
        assert onto(base, link, "Task") == expected

    def test_a_history_keeps_its_limit(self) -> None:
        assert (
            with_since("http://x/Task/_history?_offset=1", "S")
            == "http://x/Task/_history?_offset=1&_since=S"
        )
        assert (
            with_since("http://x/Task/_history?_since=T", "S") == "http://x/Task/_history?_since=T"
        )
        assert with_since("http://x?_getpages=1", "S") == "http://x?_getpages=1"

    def test_a_link_that_leads_in_a_circle_ends(self) -> None:
        page = {
            "resourceType": "Bundle",
            "link": [{"relation": "next", "url": "http://ehr.test/fhir/Task?page=1"}],
            "entry": [{"resource": {**TASK, "id": "1"}}],
        }
        assert [
            t["id"] for t in answering(lambda _: httpx.Response(200, json=page)).search("Task", {})
        ] == ["1"]

    def test_only_matches_of_the_type_count(self) -> None:
        entries = [
            {"resource": {**TASK, "id": "1"}, "search": {"mode": "match"}},
            {"resource": {**TASK, "id": "2"}, "search": {"mode": "include"}},
            {"resource": {"resourceType": "Patient", "id": "3"}, "search": {"mode": "match"}},
            {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
        ]
        ehr = answering(
            lambda _: httpx.Response(200, json={"resourceType": "Bundle", "entry": entries})
        )
        assert [t["id"] for t in ehr.search("Task", {})] == ["1"]


class TestVersions:
    @pytest.mark.parametrize(
        ("etag", "location", "expected"),
        [
            ('W/"3"', None, "3"),
            ("3", None, "3"),
            ('"3"', "x/_history/4", "3"),
            (None, "http://h/fhir/Task/1/_history/4", "4"),
            (None, "Task/1/_history/4", "4"),
            (None, "Task/1", None),
            (None, None, None),
        ],
    )
    def test_every_shape(
        self, etag: str | None, location: str | None, expected: str | None
    ) -> None:
        assert version_in(etag, location) == expected

    def test_a_server_that_says_nothing_is_asked(self) -> None:
        def respond(request: httpx.Request) -> httpx.Response:
            if request.method == "PUT":
                return httpx.Response(200)
            return httpx.Response(200, json={**TASK, "id": "1", "meta": {"versionId": "7"}})

        assert answering(respond).update({**TASK, "id": "1"}, "6") == Written("Task/1", "7", False)

    def test_deletes_in_a_history(self) -> None:
        entry = {
            "fullUrl": "http://h/fhir/Task/1",
            "request": {"method": "DELETE", "url": "Task/1/_history/5"},
            "response": {"lastModified": "T"},
        }
        found = list(versions({"entry": [entry]}, "Task", "2026-01-01T00:00:00.000Z"))
        assert [(v.reference, v.version, v.time, v.deleted, v.resource) for v in found] == [
            ("Task/1", "5", "T", True, None)
        ]

    def test_an_undated_delete_counts_as_of_the_entry_before_it_or_of_the_answer(self) -> None:
        gone = [
            {
                "request": {"method": "DELETE", "url": f"Task/{n}/_history/2"},
                "response": {"etag": 'W/"2"'},
            }
            for n in (1, 2)
        ]
        newer = {
            "resource": {
                **TASK,
                "id": "3",
                "meta": {"versionId": "1", "lastUpdated": "2026-01-01T10:00:00.000Z"},
            }
        }
        body = {
            "meta": {"lastUpdated": "2026-01-01T12:00:00.000Z"},
            "entry": [gone[0], newer, gone[1]],
        }
        assert [v.time[11:13] for v in versions(body, "Task", "2026-01-01T00:00:00.000Z")] == [
            "12",
            "10",
            "10",
        ]
        assert [
            v.time[11:13]
            for v in versions({"entry": [gone[0]]}, "Task", "2026-01-01T00:00:00.000Z")
        ] == ["00"]

    @pytest.mark.parametrize(
        ("entry", "reference"),
        [
            ({"resource": {"resourceType": "Task"}}, "Task/"),
            (
                {
                    "fullUrl": "http://h/fhir/Task/4/_history/2",
                    "resource": {"resourceType": "Task"},
                },
                "Task/4",
            ),
            (
                {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Task", "meta": None}},
                "Task/",
            ),
            ({"resource": {"id": "5"}}, "Task/5"),
        ],
    )
    def test_one_without_an_id_or_a_type_hides_no_other(
        self, entry: dict[str, Any], reference: str
    ) -> None:
        body = {"entry": [entry, {"resource": {**TASK, "id": "3"}}]}
        assert [v.reference for v in versions(body, "Task", "2026-01-01T00:00:00.000Z")] == [
            reference,
            "Task/3",
        ]
        found = answering(
            lambda r: (
                httpx.Response(405)
                if "_history" in str(r.url)
                else httpx.Response(200, json={"resourceType": "Bundle", **body})
            )
        )
        assert "Task/3" in [v.reference for v in found.history("Task", "2026-01-01T00:00:00Z")]

    def test_where_there_is_no_type_history_last_updated_stands_in(self) -> None:
        asked: list[str] = []

        def respond(request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            if "_history" in str(request.url):
                return httpx.Response(405)
            body = {
                "resourceType": "Bundle",
                "entry": [
                    {
                        "resource": {
                            **TASK,
                            "id": "1",
                            "meta": {"versionId": "2", "lastUpdated": "T"},
                        }
                    }
                ],
            }
            return httpx.Response(200, json=body)

        found = [
            (v.reference, v.version, v.deleted)
            for v in answering(respond).history("Task", "2026-01-01T02:00:00+02:00")
        ]
        assert found == [("Task/1", "2", False)]
        assert "_since=2026-01-01T00%3A00%3A00.000Z" in asked[0]
        assert "_lastUpdated=ge2026-01-01T00%3A00%3A00.000Z" in asked[1]


class TestOutcomes:
    def test_only_codes_and_places_are_kept(self) -> None:
        issues = [
            {
                "code": "invalid",
                "expression": ["Patient.name[0]"],
                "diagnostics": "Jane Doe",
                "details": {"text": "Jane Doe"},
            },
            {"code": "Jane Doe", "expression": ["Patient named Jane Doe"]},
            {"code": "required", "location": ["/f:Task/f:status"]},
        ]
        found = issues_of({"resourceType": "OperationOutcome", "issue": issues})
        assert found == ("invalid at Patient.name[0]", "unknown", "required at /f:Task/f:status")
        assert issues_of([1]) == issues_of({"resourceType": "Bundle"}) == ()


class TestBodies:
    @pytest.mark.parametrize("half", [rb"\ud800", rb"\uDFFF", b"\xed\xa0\x80"])
    def test_half_a_character_is_replaced_and_stops_nobody(self, half: bytes) -> None:
        body = (
            b'{"resourceType": "Patient", "name": [{"text": "a'
            + half
            + rb'b \\ud800 \ud83e\ude7a"}]}'
        )
        read = answering(lambda _: httpx.Response(200, content=body)).read("Patient/1")
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
    def test_what_is_no_resource_says_nothing_about_the_request(self, body: bytes) -> None:
        with pytest.raises(Unavailable):
            answering(lambda _: httpx.Response(200, content=body)).read("Patient/1")

    def test_a_body_that_does_not_unpack_is_a_fault_of_the_way(self) -> None:
        with pytest.raises(Unavailable, match="DecodingError"):
            answering(
                lambda _: httpx.Response(
                    200, headers={"Content-Encoding": "gzip"}, content=b"not gzip"
                )
            ).read("Patient/1")


class TestAttachments:
    DATA = b"hello"

    def attachment(self, **more: Any) -> Json:
        return {"contentType": "text/plain", **more}

    def inline(self, **more: Any) -> Json:
        return self.attachment(data=base64.b64encode(self.DATA).decode(), **more)

    @pytest.fixture
    def plain(self) -> Iterator[Ehr]:
        with FakeEhr(HAPI) as fake, open_ehr(load_settings(fhir_url=fake.base)) as client:
            yield client

    def test_hash_and_size_that_hold(self, plain: Ehr) -> None:
        sha1 = base64.b64encode(hashlib.sha1(self.DATA).digest()).decode()
        sha256 = base64.b64encode(hashlib.sha256(self.DATA).digest()).decode()
        for digest in (sha1, sha256):
            assert plain.attachment(self.inline(size=5, hash=digest), 5) == self.DATA

    @pytest.mark.parametrize(
        "wrong",
        [
            {"size": 6},
            {"hash": "AAAA"},
            {"hash": base64.b64encode(bytes(20)).decode()},
            {"hash": "not base64!"},
        ],
    )
    def test_hash_and_size_that_lie(self, plain: Ehr, wrong: Json) -> None:
        with pytest.raises(InvalidInput):
            plain.attachment(self.inline(**wrong), 100)

    @pytest.mark.parametrize("wrong", [{}, {"data": "***"}, {"data": 5}])
    def test_what_is_no_attachment(self, plain: Ehr, wrong: Json) -> None:
        with pytest.raises(InvalidInput):
            plain.attachment(wrong, 100)

    def test_too_large(self, plain: Ehr) -> None:
        binary = plain.create(
            {
                "resourceType": "Binary",
                "contentType": "text/plain",
                "data": base64.b64encode(bytes(3000)).decode(),
            }
        )
        for attachment in (self.inline(), self.attachment(url=binary.reference)):
            with pytest.raises(InvalidInput, match="larger than 4 bytes"):
                plain.attachment(attachment, 4)
        assert plain.attachment(self.attachment(url=binary.reference), 3000) == bytes(3000)

    def test_an_endless_body_is_cut(self) -> None:
        sent = []

        def endless() -> Iterator[bytes]:
            while True:
                sent.append(1)
                yield bytes(1000)

        ehr = answering(lambda _: httpx.Response(200, content=endless()))
        with pytest.raises(InvalidInput):
            ehr.attachment(self.attachment(url="Binary/1"), 10_000)
        assert len(sent) < 100

    def test_not_there_yet(self, plain: Ehr) -> None:
        with pytest.raises(NotYet):
            plain.attachment(self.attachment(url="Binary/none"), 10)

    @pytest.mark.parametrize(
        "url",
        [
            "http://169.254.169.254/latest/meta-data",
            "http://ehr.test.evil.example/fhir/Binary/1",
            "http://ehr.test@evil.example/fhir/Binary/1",
            "https://ehr.test/fhir/Binary/1",
            "http://ehr.test:81/fhir/Binary/1",
            "http://ehr.test/admin",
            "http://ehr.test/fhirx/Binary/1",
            "http://ehr.test/fhir/../admin",
            "http://ehr.test/fhir/%2e%2e/admin",
            "file:///etc/passwd",
            "ftp://ehr.test/fhir/Binary/1",
            "http://ehr.test:port/fhir/Binary/1",
            "http://[ehr.test/fhir/Binary/1",
            "Binary/1\x01",
            "//evil.example/x",
        ],
    )
    def test_no_other_origin_is_asked(self, url: str) -> None:
        asked: list[httpx.URL] = []

        def respond(request: httpx.Request) -> httpx.Response:
            asked.append(request.url)
            return httpx.Response(404)

        with pytest.raises((InvalidInput, NotYet)):
            answering(respond).attachment(self.attachment(url=url), 10)
        assert [u for u in asked if u.host != "ehr.test" or not u.path.startswith("/fhir/")] == []

    @pytest.mark.parametrize(
        "kind",
        [
            "text/plain\r\nX-Other: 1",
            "text/plain;\x00",
            "text/plain; charset=é",
            "text/plain, a/b",
            "a;" * 50_000 + "\x00",
        ],
    )
    def test_what_a_content_type_says_goes_into_no_header_where_it_does_not_belong(
        self, kind: str
    ) -> None:
        with Listener() as served, open_ehr(load_settings(fhir_url=f"{served.url}/fhir")) as ehr:
            assert ehr.attachment({"url": "Binary/1", "contentType": kind}, 10) == b""
            [asked] = served.received
        assert asked.headers["accept"] == "application/fhir+json;q=0.9, */*;q=0.1"
        assert "x-other" not in asked.headers

    def test_a_redirect_is_not_followed(self) -> None:
        with pytest.raises(InvalidInput, match="redirects"):
            answering(
                lambda _: httpx.Response(302, headers={"Location": "http://169.254.169.254/"})
            ).attachment(self.attachment(url="Binary/1"), 10)

    def test_an_allowed_origin_gets_no_token(self) -> None:
        with Listener() as pacs:
            settings = load_settings(
                fhir_url="http://127.0.0.1:9/fhir",
                dicomweb_allowed_origins=f"https://x.example, {pacs.url}/",
            )
            with open_ehr(settings, bearer="callers-token") as ehr:
                assert ehr.attachment({"url": f"{pacs.url}/files/1"}, 10) == b""
            assert [("authorization" in r.headers, r.path) for r in pacs.received] == [
                (False, "/files/1")
            ]


class TestSettings:
    @pytest.mark.parametrize(
        "url",
        [
            "ehr.example/fhir",
            "ftp://ehr.example",
            "http://",
            "http://ehr.example/fhir?x=1",
            "http://[ehr/fhir",
            "http://ehr:fhir",
        ],
    )
    def test_a_url_that_is_none(self, url: str) -> None:
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_URL"):
            open_ehr(load_settings(fhir_url=url))

    @pytest.mark.parametrize("name", ELSEWHERE)
    @pytest.mark.parametrize(
        "address",
        [
            "https://user:hunter2@ehr.example/fhir",
            "https://user:hunter2/x@ehr.example",
            "https://u:h#unter2@ehr.example",
        ],
    )
    def test_credentials_stand_in_no_address(self, name: str, address: str) -> None:
        with pytest.raises(
            Misconfigured, match=rf"CARELOOP_{name.upper()}: .*{re.escape(ELSEWHERE[name])}"
        ) as refused:
            load_settings(**{name: address})
        assert "unter2" not in str(refused.value)
        with pytest.raises(ValidationError) as raw:
            Settings(**{name: address})
        assert "unter2" not in str(raw.value)

    @pytest.mark.parametrize("name", ELSEWHERE)
    def test_every_address_is_kept_free_of_credentials(self, name: str) -> None:
        assert (
            getattr(load_settings(**{name: "https://a.example:8443/x%40y"}), name)
            == "https://a.example:8443/x%40y"
        )
        assert {field for field in Settings.model_fields if field.endswith("_url")} <= set(
            ELSEWHERE
        )

    @pytest.mark.parametrize("value", ["inf", "nan", "-1"])
    def test_a_time_that_is_none(self, value: str) -> None:
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_TIMEOUT_SEC"):
            load_settings(fhir_timeout_sec=value)

    @pytest.mark.parametrize(
        ("name", "several"),
        [
            ("dicomweb_allowed_origins", "https://a.example:8443, https://b.example:8443"),
            ("kafka_bootstrap_servers", "a.example:9092,b.example:9092"),
        ],
    )
    def test_several_addresses_may_have_ports(self, name: str, several: str) -> None:
        assert getattr(load_settings(**{name: several}), name) == several

    def test_a_ca_file_that_is_none(self) -> None:
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_CA_FILE"):
            open_ehr(load_settings(fhir_ca_file="/no/such/file"))


class TestCapabilities:
    def statement(self, **task: Any) -> Json:
        listed = [{"type": "Task", **task}, {"type": "Provenance"}]
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "rest": [
                {"mode": "server", "interaction": [{"code": "transaction"}], "resource": listed}
            ],
        }

    def test_what_is_left_open_counts_for_the_ehr(self) -> None:
        assert missing_capabilities(self.statement(), {"Task": "crus"}) == []

    @pytest.mark.parametrize(
        ("task", "expected"),
        [
            (
                {"interaction": [{"code": "read"}, {"code": "search-type"}]},
                "create, update of Task",
            ),
            ({"versioning": "no-version"}, "versions of Task (If-Match)"),
            ({"conditionalCreate": False}, "conditional create of Task"),
        ],
    )
    def test_what_it_denies_counts_against_it(self, task: Json, expected: str) -> None:
        assert missing_capabilities(self.statement(**task), {"Task": "crus"}) == [expected]

    def test_what_is_not_there(self) -> None:
        bare = {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "5.0.0",
            "rest": [{"mode": "server"}],
        }
        found = missing_capabilities(bare, {"Goal": "c"})
        assert found == [
            "FHIR R4 (4.0.1); it speaks 5.0.0",
            "transaction Bundles",
            "the resource type Task",
            "the resource type Provenance",
            "the resource type Goal",
        ]
        assert missing_capabilities({}, {}) == ["the metadata is not a CapabilityStatement"]
        assert subscription_topics(bare) == []


class TestScopes:
    def test_reads_and_writes_make_ordered_letters(self) -> None:
        text = scope_text(permissions(["ImagingStudy", "Task"], ["DiagnosticReport"]))
        assert text == (
            "system/AuditEvent.c system/Consent.rs system/Device.crs system/DiagnosticReport.cru "
            "system/DocumentReference.crs "
            "system/ImagingStudy.rs system/Patient.rs system/Provenance.cs system/Task.crus"
        )

    @pytest.mark.parametrize(
        ("method", "place", "expected"),
        [
            ("GET", "Task", ("Task", "s")),
            ("GET", "Task?a=b", ("Task", "s")),
            ("GET", "Task/_history", ("Task", "s")),
            ("GET", "Task/7", ("Task", "r")),
            ("GET", "Task/7/_history", ("Task", "r")),
            ("POST", "Task", ("Task", "c")),
            ("PUT", "Task/7", ("Task", "u")),
            ("POST", "", None),
            ("GET", "metadata", None),
        ],
    )
    def test_what_a_request_needs(
        self, method: str, place: str, expected: tuple[str, str] | None
    ) -> None:
        assert permission_needed(method, place) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"resourceType": "Patient", "id": "1"}, "Patient/1"),
        (
            {"resourceType": "Task", "for": {"reference": "http://h/fhir/Patient/1/_history/2"}},
            "Patient/1",
        ),
        ({"resourceType": "Consent", "patient": {"reference": "Patient/1"}}, "Patient/1"),
        ({"resourceType": "Observation", "subject": {"reference": "Group/1"}}, "Group/1"),
        ({"resourceType": "Observation", "subject": {"identifier": {"value": "x"}}}, None),
        ({"resourceType": "Observation", "subject": {"reference": "#p"}}, None),
        ({"resourceType": "Device"}, None),
    ],
)
def test_whom_a_resource_is_about(resource: Json, expected: str | None) -> None:
    assert subject_of(resource) == expected
