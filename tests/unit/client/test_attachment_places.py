"""Client: where the URL of an attachment is fetched."""

from dataclasses import replace

import pytest

from shared.ehr.attachments import Place, place_of
from shared.ehr.bases.value import bases_of
from shared.ehr.opening import open_ehr
from shared.errors import InvalidInput
from shared.settings import load_settings
from tests.fakes import HAPI, FakeEhr, Habits
from tests.hooks import Listener

OWN = "http://ehr.test/fhir"
BASES = (
    bases_of(OWN)
    .plus("https://public.test/r4", "CapabilityStatement.implementation")
    .plus("https://public.test/r4/inner", "self links")
)
ALLOWED = frozenset({"https://files.test:8443"})
BINARY = {"resourceType": "Binary", "contentType": "text/plain", "data": "aGVsbG8="}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("Binary/b1", f"{OWN}/Binary/b1"),
        ("/Binary/b1", f"{OWN}/Binary/b1"),
        ("/fhir/Binary/b1", f"{OWN}/Binary/b1"),
        ("//ehr.test/fhir/Binary/b1", f"{OWN}/Binary/b1"),
        (f"{OWN}/Binary/b1/_history/2", f"{OWN}/Binary/b1/_history/2"),
        ("HTTPS://EHR.test:443/fhir/Binary/b1", f"{OWN}/Binary/b1"),
        ("https://public.test/r4/Binary/b1?x=1", f"{OWN}/Binary/b1?x=1"),
        ("http://PUBLIC.test/r4/files/b1.txt", f"{OWN}/files/b1.txt"),
        ("https://public.test/r4/inner/Binary/b1", f"{OWN}/Binary/b1"),
    ],
)
def test_on_a_base_of_the_ehr_it_is_fetched_on_the_one_that_was_set(
    url: str, expected: str
) -> None:
    assert place_of(url, BASES, ALLOWED) == Place(expected, ours=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "?x",
        "#x",
        "/",
        "/fhir",
        "/fhir/",
        "None",
        "$export",
        "Patient",
        "Patient/?name=x",
        "Patient/_search?name=x",
        "Patient/_history",
        "Binary/1/_history",
        "Patient/1/$everything",
        "Patient/%24export",
        "Patient%2F1%2F$everything",
        ".well-known/smart-configuration",
        f"{OWN}/$export",
        "https://public.test/r4/metadata",
        "https://public.test/r4/Patient/$match/_history/1",
    ],
)
def test_what_names_no_file_of_the_ehr_is_not_fetched(url: str) -> None:
    with pytest.raises(InvalidInput, match="no file"):
        place_of(url, BASES, ALLOWED)


def test_an_allowed_origin_is_not_ours() -> None:
    url = "https://FILES.test:8443/b1"
    assert place_of(url, BASES, ALLOWED) == Place(url, ours=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://other.test/r4/Binary/b1",
        "https://public.test/r5/Binary/b1",
        "https://public.test/r44/Binary/b1",
        "https://public.test:8443/r4/Binary/b1",
        "http://token@ehr.test/fhir/Binary/b1",
        "//other.test/fhir/Binary/b1",
        "http://files.test:8443/b1",
        "file:///etc/passwd",
        "urn:oid:1.2.3",
    ],
)
def test_anything_else_is_fetched_nowhere(url: str) -> None:
    assert place_of(url, BASES, ALLOWED) is None


@pytest.mark.parametrize(
    "url",
    [
        "../Binary/b1",
        "/fhir/../admin",
        "https://public.test/r4/%2E%2e/admin",
        "https://public.test\\@evil.test/r4/Binary/b1",
        "http://[ehr.test/fhir/Binary/b1",
    ],
)
def test_what_leaves_its_path_or_is_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        place_of(url, BASES, ALLOWED)


@pytest.mark.parametrize(
    "habits",
    [
        replace(HAPI, implementation_url="https://public.test/r4"),
        replace(HAPI, self_base="https://public.test/r4"),
    ],
    ids=["implementation", "self link"],
)
def test_a_base_that_the_ehr_names_is_learned_when_it_is_met(habits: Habits) -> None:
    with FakeEhr(habits) as fake, open_ehr(load_settings(fhir_url=fake.base)) as ehr:
        binary = ehr.create(BINARY).reference
        for url in (f"https://public.test/r4/{binary}", f"/fhir/{binary}"):
            assert ehr.attachment({"url": url, "contentType": "text/plain"}, 10) == b"hello"
        with pytest.raises(InvalidInput, match="not allowed"):
            ehr.attachment({"url": f"https://public.test/r5/{binary}"}, 10)


def test_the_token_goes_to_our_base_and_never_to_an_alias() -> None:
    with Listener() as own, Listener() as public:
        settings = load_settings(fhir_url=f"{own.url}/fhir", fhir_aliases=f"{public.url}/r4/")
        with open_ehr(settings, bearer="secret") as ehr:
            assert ehr.attachment({"url": f"{public.url}/r4/Binary/b1"}, 10) == b""
        assert public.received == []
        assert [(r.path, r.headers["authorization"]) for r in own.received] == [
            ("/fhir/Binary/b1", "Bearer secret")
        ]
