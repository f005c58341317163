"""Client: which base URLs are this EHR."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.ehr.bases.known import KnownBases
from shared.ehr.bases.value import aliases_of, bases_of, self_base
from shared.ehr.opening import open_ehr
from shared.ehr.wire.response import Response
from shared.errors import FhirError, Misconfigured, Unavailable
from shared.json import Json
from shared.settings import load_settings
from tests.served import Asked, json_response
from tests.unit.client.support import STATEMENT, Answering

OWN = "http://ehr.test/fhir"
NOTE: Json = {"resourceType": "DocumentReference", "id": "1"}


def about(reference: str) -> Json:
    return {**NOTE, "subject": {"reference": reference}}


class TestBases:
    @pytest.mark.parametrize(
        "reference",
        [
            "http://ehr.test/fhir/Patient/17",
            "https://ehr.test/fhir/Patient/17",
            "HTTP://EHR.Test/fhir/Patient/17",
            "http://ehr.test:80/fhir/Patient/17",
            "https://ehr.test:443/fhir/Patient/17",
            "http://ehr.test/fhir/Patient/17/",
            "http://ehr.test/fhir//Patient/17",
            "http://ehr.test/%66hir/Patient/1%37",
            "//ehr.test/fhir/Patient/17",
            "/fhir/Patient/17",
            "https://alias.test:8443/Patient/17",
        ],
    )
    def test_ours_in_every_spelling(self, reference: str) -> None:
        bases = bases_of(OWN).plus("https://Alias.test:8443/", "CARELOOP_FHIR_ALIASES")
        assert bases.local(reference) == "Patient/17"
        assert not bases.is_elsewhere(reference)

    def test_a_version_stays(self) -> None:
        found = bases_of(OWN).local(f"{OWN}/Patient/17/_history/3")
        assert found == "Patient/17/_history/3"

    @pytest.mark.parametrize(
        "reference",
        [
            "https://other-hospital.example/fhir/Patient/17",
            "http://ehr.test/fhir2/Patient/17",
            "http://ehr.test/fhi/Patient/17",
            "http://ehr.test/Patient/17",
            "http://ehr.test/other-tenant/fhir/Patient/17",
            "http://ehr.test/fhir/other-tenant/Patient/17",
            "http://ehr.test/FHIR/Patient/17",
            "http://ehr.test:8080/fhir/Patient/17",
            "http://ehr.test.evil.example/fhir/Patient/17",
            "http://evil.example/http://ehr.test/fhir/Patient/17",
            "http://user@ehr.test/fhir/Patient/17",
            "http://ehr.test@evil.example/fhir/Patient/17",
            "http://ehr.test/fhir/../fhir2/Patient/17",
            "http://ehr.test/x/%2e%2e/fhir/Patient/17",
            "http://ehr.test\\@evil.example/fhir/Patient/17",
            "http://ehr.test:port/fhir/Patient/17",
            "http://[ehr.test/fhir/Patient/17",
            "//other.example/fhir/Patient/17",
            "/fhir2/Patient/17",
            "/Patient/17",
            "fhir/Patient/17",
            "ftp://ehr.test/fhir/Patient/17",
            "urn:uuid:8f0a1e2c-0000-4000-8000-000000000000",
            "#17",
            "Patient?identifier=urn:x|17",
            "http://ehr.test/fhir/Patient?identifier=urn:x|17",
            "http://ehr.test/fhir/Patient/17#x",
            "http://ehr.test/fhir/Patient/..",
            "http://ehr.test/fhir/Patient/1%2F7",
        ],
    )
    def test_not_ours(self, reference: str) -> None:
        assert bases_of(OWN).local(reference) is None

    @pytest.mark.parametrize("own", ["https://ehr.test", "https://[2001:DB8::1]:8443/fhir"])
    def test_bases_of_other_shapes(self, own: str) -> None:
        bases = bases_of(own)
        assert bases.local(f"{own.lower()}/Patient/17") == "Patient/17"
        assert bases.local(f"{own}/x/Patient/17") is None
        assert bases.beneath(f"{own}/Binary/1?a=b") == "Binary/1?a=b"

    def test_the_surest_source_of_a_base_stays(self) -> None:
        bases = bases_of(OWN).plus("http://x.test/r4", "self links")
        assert bases.plus("https://x.test/r4", "self links") == bases
        surer = bases.plus("http://X.test/r4/", "CapabilityStatement.implementation")
        assert list(surer.sources.values())[1:] == ["CapabilityStatement.implementation"]
        assert surer.plus("http://x.test/r4", "self links") == surer
        assert surer.plus("not a URL", "self links") == surer

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("http://x.test/r4/Task?_count=1", "http://x.test/r4"),
            ("http://x.test/r4/Task", "http://x.test/r4"),
            ("http://x.test/r4/Task/_history?_since=2026", "http://x.test/r4"),
            ("http://x.test/r4?_getpages=p1&_bundletype=Task", "http://x.test/r4"),
            ("http://x.test/r4/Task?_getpages=p1", "http://x.test/r4"),
            ("http://x.test/r4/Task/?_getpages=p1", "http://x.test/r4"),
            ("http://x.test/r4/Task/_history?_getpages=p1", "http://x.test/r4"),
            ("http://x.test/r4/Task/_search?_getpages=p1", "http://x.test/r4"),
            ("http://x.test/r4/Task/7/_history?_getpages=p1", None),
            ("http://x.test/r4?not_getpages=p1", None),
            ("http://x.test/r4/Patient?_count=1", None),
            ("http://x.test/pages/77", None),
            ("/r4/Task", None),
            ("Task?_count=1", None),
            ("http://u@x.test/r4/Task", None),
            (7, None),
        ],
    )
    def test_the_base_in_a_self_link(self, url: object, expected: str | None) -> None:
        links = [None, {"relation": "next", "url": "http://n.test/r4/Task"}]
        bundle = {"link": [*links, {"relation": "self", "url": url}]}
        assert self_base(bundle, "Task") == expected
        assert self_base({"link": links}, "Task") is None


class TestAliases:
    def test_they_are_split(self) -> None:
        assert aliases_of(" https://a.test/r4 ,,http://b.test/") == (
            "https://a.test/r4",
            "http://b.test/",
        )
        assert aliases_of("") == ()

    @pytest.mark.parametrize(
        "wrong",
        [
            "ehr.test",
            "ftp://ehr.test",
            "http://u:p@ehr.test",
            "http://x/?a=b",
            "http:///x",
            "http://x/fhir http://y/fhir",
            "http://x/fhir\thttp://y/fhir",
            "http://x/fhir/metadata",
            "http://x/fhir/metadata/",
        ],
    )
    def test_what_is_no_base_is_refused_without_its_value(self, wrong: str) -> None:
        with pytest.raises(Misconfigured, match=r"^CARELOOP_FHIR_ALIASES: ") as refused:
            open_ehr(load_settings(fhir_aliases=f"https://a.test/r4,{wrong}"))
        assert wrong not in str(refused.value)


def known(ask: Callable[[str], Json]) -> KnownBases:
    return KnownBases(bases_of(OWN), ask)


class TestLearning:
    def test_the_ehr_is_asked_once_whoever_wants_to_know(self) -> None:
        asked: list[str] = []
        start = threading.Barrier(8)

        def ask(place: str) -> Json:
            asked.append(place)
            url = "https://public.test/r4"
            return STATEMENT | {"implementation": {"description": "x", "url": url}}

        bases = known(ask)

        def local(n: int) -> str:
            start.wait()
            return bases.local(f"https://public.test/r4/Patient/{n}")

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(local, range(8))) == [f"Patient/{n}" for n in range(8)]
        bases.local("https://other.test/r4/Patient/1")
        assert asked == ["metadata", "Task?_summary=count"]

    @pytest.mark.parametrize(
        "reference", ["Patient/1", "#x", "urn:uuid:1", f"{OWN}/Patient/1", "https://cpic.test/g/1"]
    )
    def test_nobody_asks_without_a_need(self, reference: str) -> None:
        def ask(place: str) -> Json:
            raise AssertionError(place)

        known(ask).local(reference)

    @pytest.mark.parametrize("status", [401, 403, 404, 500])
    def test_without_an_answer_nothing_is_guessed(self, status: int, answering: Answering) -> None:
        def respond(asked: Asked) -> Response:
            if asked.target.endswith("/metadata"):
                return Response(status)
            return json_response(about("https://other.test/r4/Patient/17"))

        with pytest.raises(Unavailable):
            answering(respond).read("DocumentReference/1")

    def test_whoever_waited_for_a_failure_does_not_wait_again(self) -> None:
        asked: list[str] = []
        waiting, arrived = threading.Event(), threading.Barrier(4)

        def ask(place: str) -> Json:
            asked.append(place)
            waiting.wait(10)
            raise Unavailable("ehr", "down")

        bases = known(ask)

        def fails(_: int) -> bool:
            arrived.wait()
            try:
                bases.learned()
            except Unavailable:
                return True
            return False

        with ThreadPoolExecutor(4) as pool:
            failed = pool.map(fails, range(4))
            time.sleep(0.3)
            waiting.set()
            assert list(failed) == [True] * 4
        assert asked == ["metadata"]

    def test_what_is_no_statement_is_no_answer(self) -> None:
        with pytest.raises(Unavailable):
            known(lambda _: {"resourceType": "OperationOutcome"}).learned()

    def test_after_a_failure_the_ehr_is_asked_again(self) -> None:
        answers: list[Json | Exception] = [Unavailable("ehr", "down"), STATEMENT]

        def ask(place: str) -> Json:
            if place != "metadata":
                raise FhirError(403, place, ())
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        bases = known(ask)
        with pytest.raises(Unavailable):
            bases.local("https://other.test/r4/Patient/1")
        assert bases.local("https://other.test/r4/Patient/1") == "https://other.test/r4/Patient/1"
        assert answers == []

    @pytest.mark.parametrize("implementation", [None, "x", {}, {"url": None}, {"url": "urn:x"}])
    def test_an_ehr_that_names_no_base(self, implementation: object) -> None:
        bases = known(lambda _: STATEMENT | {"implementation": implementation})
        assert list(bases.learned().sources) == ["ehr.test/fhir"]
