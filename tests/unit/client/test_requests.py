"""Client: requests."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.wire.failures import failure
from shared.ehr.wire.response import Response, retry_after
from shared.errors import (
    CareloopError,
    Conflict,
    FhirError,
    Unavailable,
)
from shared.settings import load_settings
from tests.fakes import FakeEhr
from tests.unit.client.support import TASK, Answering


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
    @pytest.mark.parametrize("status", [408, 421, 425, 429, 499, 502, 503, 504, 520, 524])
    def test_a_read_is_tried_three_times(self, fake: FakeEhr, ehr: Ehr, status: int) -> None:
        made = ehr.create(TASK).reference
        fake.faults.fail(2, status, retry_after="0", method="GET")
        assert (ehr.read(made) or {})["status"] == "draft"
        fake.faults.fail(3, status, retry_after="0", method="GET")
        with pytest.raises(Unavailable) as down:
            ehr.read(made)
        assert (down.value.dependency, down.value.retry_after_sec) == ("ehr", 0.0)

    @pytest.mark.parametrize("status", [408, 421, 425, 429, 503])
    def test_a_write_is_repeated_when_the_server_did_nothing(
        self, fake: FakeEhr, ehr: Ehr, status: int
    ) -> None:
        fake.faults.fail(2, status, retry_after="0", method="POST")
        ehr.create(TASK)
        assert len(fake.resources("Task")) == 1

    @pytest.mark.parametrize("status", [407, 499, 500, 502, 504, 520, 522, 524])
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
            pytest.raises(Unavailable, match="NewConnectionError"),
        ):
            ehr.capabilities()

    def test_dates_in_retry_after(self) -> None:
        def asked(text: str) -> float | None:
            return retry_after(Response(503, {"Retry-After": text}))

        assert asked("120") == 120
        assert asked("Wed, 21 Oct 2015 07:28:00 GMT") == 0
        assert asked("soon") is None
        assert retry_after(Response(503)) is None


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
        failure(Response(status), "PUT Task/1", safe=False, forwarded=forwarded), expected
    )


def test_a_page_of_a_proxy_is_no_answer(answering: Answering) -> None:
    with pytest.raises(Unavailable, match="without FHIR JSON"):
        answering(lambda _: Response(200, {}, b"<html>please log in</html>")).read("Patient/1")


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
        monkeypatch.setattr("shared.ehr.wire.connections.KEEPALIVE_SEC", 1.5)
        with open_ehr(load_settings(fhir_url=fake.base)) as ehr:
            for pause in (0.0, 0.0, 2.0):
                time.sleep(pause)
                ehr.read("Task/none")
        assert fake.connections == 2  # two reads on one, the third on another

    def test_one_that_the_server_closed_meanwhile_loses_no_write(
        self, answering: Answering
    ) -> None:
        done = b"HTTP/1.1 201 Created\r\nLocation: Task/1/_history/1\r\nContent-Length: 0\r\n\r\n"
        ehr = answering(lambda _: [done])
        for _ in range(3):
            ehr.create(TASK)
            time.sleep(0.1)

    def test_threads_share_them(self, fake: FakeEhr, ehr: Ehr) -> None:
        fake.faults.latency_sec = 0.02
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda n: ehr.read(f"Task/{n}"), range(80))) == {None}
        assert fake.connections <= 8

    def test_no_proxy_of_the_environment_is_asked(
        self, fake: FakeEhr, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.delenv("NO_PROXY", raising=False)
        with open_ehr(load_settings(fhir_url=fake.base)) as ehr:
            assert ehr.read("Task/none") is None

    def test_a_redirect_is_not_followed(self, answering: Answering) -> None:
        ehr = answering(lambda _: Response(307, {"Location": "/fhir/Task/2"}))
        with pytest.raises(FhirError) as refused:
            ehr.create(TASK)
        assert refused.value.status == 307
