"""Ehr: references to this EHR and to other systems."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.fhir import bundle
from shared.json import Json
from shared.references import own_place
from shared.settings import load_settings
from tests.contract.ehr.support import Server, task
from tests.fakes import HAPI, SEKMET, FakeEhr

OTHER = "https://other-hospital.example/fhir"
PUBLIC = "https://public.example/r4"


class TestOtherSystems:
    """On every server."""

    def test_a_reference_to_another_system_is_kept_or_refused(
        self, server: Server, patient: str
    ) -> None:
        response = server.post("Task", task(str(uuid4()), **{"for": about(f"{OTHER}/{patient}")}))
        refused = server.habits.refuses_external_references
        assert response.status_code == (400 if refused else 201)

    def test_a_reference_on_our_base_is_relative_wherever_it_is_read(
        self, server: Server, ehr: Ehr, patient: str
    ) -> None:
        mark, since = str(uuid4()), "1970-01-01T00:00:00.000Z"
        absolute = about(f"{server.base.replace('http:', 'HTTP:')}/{patient}")
        if server.habits.refuses_external_references:
            absolute = about(f"{server.base}/{patient}")
        posted = server.post("Task", task(mark, **{"for": absolute}))
        if posted.status_code == 400 and server.habits.refuses_external_references:
            return  # a real HAPI FHIR refuses its own base, too
        made = server.get(own_place(posted.headers["Location"])).json()
        wanted = {"identifier": f"urn:test|{mark}"}
        read = [
            ehr.read(f"Task/{made['id']}"),
            *ehr.search("Task", wanted, subject=patient),
            *(v.resource for v in ehr.history("Task", since) if v.reference.endswith(made["id"])),
            ehr.operation(f"Task/{made['id']}/_history/1", {}),
        ]
        assert [r and r["for"]["reference"] for r in read] == [patient] * 4


class TestWithoutChecks:
    """On servers that keep whatever reference they are given."""

    @pytest.fixture(
        params=[
            replace(SEKMET, name="fake sekmet"),
            replace(HAPI, refuses_external_references=False),
        ],
        ids=lambda habits: habits.name,
    )
    def fake(self, request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
        with FakeEhr(request.param) as started:
            yield started

    def test_another_systems_patient_is_not_ours_by_the_same_id(self, fake: FakeEhr) -> None:
        with open_ehr(load_settings(fhir_url=fake.base)) as ehr:
            patient = ehr.create({"resourceType": "Patient"}).reference
            for reference in (f"{OTHER}/{patient}", f"{OTHER}/{patient}/_history/1"):
                put(fake, task(str(uuid4()), **{"for": about(reference)}))
            assert "entry" in httpx.get(f"{fake.base}/Task", params={"patient": patient}).json()
            assert list(ehr.search("Task", {"patient": patient}, subject=patient)) == []
            assert ehr.read(f"{OTHER}/{patient}") is None
            assert [s.startswith(f"{OTHER}/") for s in subjects(ehr)] == [True, True]

    @pytest.mark.parametrize("named_by", ["implementation", "self link", "alias"])
    def test_a_base_of_the_ehr_is_ours_whoever_names_it(self, fake: FakeEhr, named_by: str) -> None:
        habits = replace(
            fake.habits,
            reference_base=PUBLIC,
            implementation_url=PUBLIC if named_by == "implementation" else None,
            self_base=PUBLIC if named_by == "self link" else None,
        )
        aliases = PUBLIC if named_by == "alias" else ""
        with FakeEhr(habits) as shown, _opened(shown, aliases) as ehr:
            patient = ehr.create({"resourceType": "Patient"}).reference
            mark = str(uuid4())
            entry = bundle.post(task(mark, **{"for": about(patient)}), f"urn:uuid:{uuid4()}")
            ehr.transact({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
            wanted = {"identifier": f"urn:test|{mark}"}
            assert len([*ehr.search("Task", wanted, subject=patient)]) == 1
            assert subjects(ehr) == [patient]

    def test_a_base_that_nobody_names_is_another_systems(self, fake: FakeEhr) -> None:
        with FakeEhr(replace(fake.habits, reference_base=PUBLIC)) as shown, _opened(shown) as ehr:
            patient = ehr.create({"resourceType": "Patient"}).reference
            ehr.create(task(str(uuid4()), **{"for": about(patient)}))
            assert subjects(ehr) == [f"{PUBLIC}/{patient}"]

    def test_what_is_written_back_is_relative(self, fake: FakeEhr) -> None:
        habits = replace(fake.habits, reference_base=PUBLIC, implementation_url=PUBLIC)
        with FakeEhr(habits) as shown, _opened(shown) as ehr:
            patient = ehr.create({"resourceType": "Patient"}).reference
            made = ehr.create(task(str(uuid4()), **{"for": about(patient)}))
            stands = ehr.read(made.reference)
            assert stands is not None
            ehr.update({**stands, "priority": "stat"}, made.version)
            assert [t["for"] for t in shown.resources("Task")] == [about(patient)]


def about(reference: str) -> Json:
    return {"reference": reference}


def put(fake: FakeEhr, resource: Json) -> None:
    response = httpx.post(f"{fake.base}/{resource['resourceType']}", json=resource, timeout=30)
    assert response.status_code == 201, response.text


def subjects(ehr: Ehr) -> list[str]:
    """Whom the Tasks in the history are for."""
    found = ehr.history("Task", "1970-01-01T00:00:00.000Z")
    return [(v.resource or {})["for"]["reference"] for v in found]


def _opened(fake: FakeEhr, aliases: str = "") -> Ehr:
    return open_ehr(load_settings(fhir_url=fake.base, fhir_aliases=aliases))
