"""Client: attachments."""

import base64
import gzip
import hashlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.responses import issues_of
from shared.ehr.wire.response import Response
from shared.errors import (
    CareloopError,
    InvalidInput,
    NotYet,
    Unavailable,
)
from shared.json import Json
from shared.settings import load_settings
from tests.fakes import HAPI, FakeEhr
from tests.hooks import Listener
from tests.served import Asked, Served, json_response
from tests.unit.client.support import STATEMENT, Answering


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

    @pytest.mark.parametrize("kind", ["text/plain", "application/fhir+json"])
    def test_an_endless_body_is_cut(self, answering: Answering, kind: str) -> None:
        sent = []

        def endless() -> Iterator[bytes]:
            yield f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode()
            while True:
                sent.append(1)
                yield bytes(1000)

        ehr = answering(lambda _: endless())
        with pytest.raises(InvalidInput, match="larger than 10000 bytes"):
            ehr.attachment(self.attachment(url="Binary/1"), 10_000)
        time.sleep(0.2)
        cut = len(sent)
        time.sleep(0.2)
        assert len(sent) == cut

    def test_a_bomb_is_not_unpacked(self, answering: Answering) -> None:
        packed = gzip.compress(bytes(20_000_000))
        ehr = answering(lambda _: Response(200, {"Content-Encoding": "gzip"}, packed))
        with pytest.raises(InvalidInput, match="larger than 100000 bytes"):
            ehr.attachment(self.attachment(url="Binary/1"), 100_000)
        assert len(packed) < 100_000

    def test_an_endless_refusal_is_cut(self, answering: Answering) -> None:
        def endless() -> Iterator[bytes]:
            yield b"HTTP/1.1 503 Busy\r\n\r\n"
            while True:
                yield bytes(1000)

        with pytest.raises(Unavailable, match="503"):
            answering(lambda _: endless()).attachment(self.attachment(url="Binary/1"), 10)

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
        def respond(asked: Asked) -> Response:
            known = asked.target == "/fhir/metadata"
            return json_response(STATEMENT) if known else Response(404)

        with Served(respond) as served:
            there = url.replace("ehr.test:81", "127.0.0.1:9").replace("ehr.test", served.place)
            with (
                open_ehr(load_settings(fhir_url=f"{served.url}/fhir", fhir_timeout_sec=2)) as ehr,
                pytest.raises((InvalidInput, NotYet)),
            ):
                ehr.attachment(self.attachment(url=there), 10)
        assert [a.target for a in served.asked if not a.target.startswith("/fhir/")] == []

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

    def test_a_redirect_is_not_followed(self, answering: Answering) -> None:
        elsewhere = {"Location": "http://169.254.169.254/"}
        with pytest.raises(InvalidInput, match="redirects"):
            answering(lambda _: Response(302, elsewhere)).attachment(
                self.attachment(url="Binary/1"), 10
            )

    @pytest.mark.parametrize("status", [408, 425, 429, 499, 502, 503, 520])
    def test_a_fault_that_passes_is_tried_again(self, answering: Answering, status: int) -> None:
        answers = [Response(status, {"Retry-After": "0"}), Response(200, {}, b"hello")]
        ehr = answering(lambda _: answers.pop(0))
        assert ehr.attachment(self.attachment(url="Binary/1"), 10) == b"hello"

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (403, NotYet),
            (406, NotYet),
            (423, NotYet),
            (401, NotYet),
            (404, NotYet),
            (503, Unavailable),
            (408, Unavailable),
            (520, Unavailable),
            (400, InvalidInput),
            (415, InvalidInput),
            (451, InvalidInput),
        ],
    )
    def test_a_refusal_of_another_origin(self, status: int, expected: type[CareloopError]) -> None:
        with Served(lambda _: Response(status, {"Retry-After": "0"})) as pacs:
            settings = load_settings(
                fhir_url="http://127.0.0.1:9/fhir", dicomweb_allowed_origins=pacs.url
            )
            with open_ehr(settings) as ehr, pytest.raises(expected) as error:
                ehr.attachment({"url": f"{pacs.url}/files/1"}, 10)
        assert getattr(error.value, "dependency", "url") == "url"

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
