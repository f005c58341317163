"""What careloop relies on at an EHR, and where EHRs differ: the same tests on the real sekmet and
on the fakes that claim its habits and HAPI's.

Where the fake claims to be sekmet, the tests of the first class prove it: they ask the server
itself, not our client.
"""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared import instants
from shared.answers import Answer, Basis, Head, digest
from shared.ehr.capabilities import missing_capabilities
from shared.ehr.client import Ehr, Written, open_ehr
from shared.ehr.scopes import permissions
from shared.errors import Conflict, FhirError
from shared.fhir import bundle, codes, heads
from shared.fhir.heads import head_of
from shared.json import Json
from shared.references import relative
from shared.settings import load_settings
from tests.fakes import HAPI, SEKMET, FakeEhr, Habits
from tests.peers import real_hapi, sekmet

WRITERS = 8


@dataclass(frozen=True)
class Server:
    """A running EHR: how to reach it as anybody would, and what it is known for."""

    base: str
    habits: Habits
    http: httpx.Client

    def post(self, path: str, body: Json, **headers: str) -> httpx.Response:
        return self.http.post(f"{self.base}/{path}".rstrip("/"), json=body, headers=headers)

    def put(self, body: Json, **headers: str) -> httpx.Response:
        return self.http.put(
            f"{self.base}/{body['resourceType']}/{body['id']}", json=body, headers=headers
        )

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.http.get(
            f"{self.base}/{path}", params=params or None, headers={"Cache-Control": "no-cache"}
        )

    def made(self, body: Json) -> Json:
        """The resource as it stands after a plain create."""
        response = self.post(body["resourceType"], body)
        assert response.status_code == 201, response.text
        return self.get(relative(response.headers["Location"])).json()


@pytest.fixture(scope="module", params=["real sekmet", "fake sekmet", "fake hapi", *real_hapi()])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with httpx.Client(timeout=30, trust_env=False) as http:
        if request.param == "real sekmet":
            with sekmet(tmp_path_factory.mktemp("sekmet")) as peer:
                yield Server(peer.base, SEKMET, http)
        elif request.param in real_hapi():
            yield Server(request.param, HAPI, http)
        else:
            with FakeEhr(SEKMET if request.param == "fake sekmet" else HAPI) as fake:
                yield Server(fake.base, fake.habits, http)


@pytest.fixture
def ehr(server: Server) -> Iterator[Ehr]:
    client = open_ehr(load_settings(fhir_url=server.base, fhir_timeout_sec=20))
    yield client
    client.close()


@pytest.fixture
def patient(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient"}).reference


def identifier(value: str) -> list[Json]:
    return [{"system": "urn:test", "value": value}]


def task(value: str, **elements: Any) -> Json:
    return {
        "resourceType": "Task",
        "status": "draft",
        "intent": "proposal",
        "identifier": identifier(value),
    } | elements


def report(patient: str, **elements: Any) -> Json:
    code = codes.concept(codes.LOINC, "18748-4")
    return {
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "code": code,
        "subject": codes.reference(patient),
    } | elements


def transaction(*entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def goal(patient: str) -> Json:
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "proposed",
        "description": {"text": "x"},
        "subject": codes.reference(patient),
    }


class TestHabits:
    """What the server does, seen without our client."""

    def test_update_of_an_old_version_is_refused_alone_and_in_a_transaction(
        self, server: Server, patient: str
    ) -> None:
        old = server.made(task(str(uuid4())))
        assert server.put(old, **{"If-Match": 'W/"1"'}).status_code == 200
        if not server.habits.identical_put_is_new_version:
            server.put({**old, "priority": "urgent"}, **{"If-Match": 'W/"1"'})
        assert (
            server.put({**old, "priority": "stat"}, **{"If-Match": 'W/"1"'}).status_code
            == server.habits.stale_if_match
        )
        mark = str(uuid4())
        response = server.post(
            "",
            transaction(
                bundle.post(report(patient, identifier=identifier(mark)), f"urn:uuid:{uuid4()}"),
                bundle.put({**old, "priority": "stat"}, "1"),
            ),
        )
        assert response.status_code == server.habits.stale_if_match
        assert (
            "entry" not in server.get("DiagnosticReport", identifier=f"urn:test|{mark}").json()
        ), "something was left behind"

    def test_identical_update(self, server: Server) -> None:
        old = server.made(task(str(uuid4())))
        server.put(old)
        version = server.get(f"Task/{old['id']}").json()["meta"]["versionId"]
        assert version == ("2" if server.habits.identical_put_is_new_version else "1")

    def test_conditional_update_overwrites_what_was_signed(
        self, server: Server, patient: str
    ) -> None:
        mark = str(uuid4())
        signed = server.made(report(patient, identifier=identifier(mark), status="final"))
        draft = report(patient, identifier=identifier(mark))
        url = f"{server.base}/DiagnosticReport"
        response = server.http.put(
            url,
            params={"identifier": f"urn:test|{mark}"},
            json=draft,
            headers={"If-None-Match": "*"},
        )
        assert response.status_code == 200
        assert server.get(f"DiagnosticReport/{signed['id']}").json()["status"] == "preliminary"

    def test_search_by_patient_where_it_is_not_indexed_gives_everyones(
        self, server: Server, patient: str
    ) -> None:
        others = server.made({"resourceType": "Patient"})
        server.made(goal(f"Patient/{others['id']}"))
        found = server.get("Goal", patient=patient, _count="500").json().get("entry", [])
        goals = [e for e in found if e["resource"]["resourceType"] == "Goal"]
        assert bool(goals) == ("Goal" in server.habits.unindexed)
        strict = server.http.get(
            f"{server.base}/Goal",
            params={"patient": patient},
            headers={"Prefer": "handling=strict"},
        )
        assert strict.status_code == (400 if "Goal" in server.habits.unindexed else 200)

    def test_conditional_create_where_identifiers_are_not_indexed(
        self, server: Server, patient: str
    ) -> None:
        mark = str(uuid4())
        response = server.post(
            "",
            transaction(
                bundle.post(task(mark), f"urn:uuid:{uuid4()}"),
                bundle.post(
                    goal(patient) | {"identifier": identifier(mark)},
                    f"urn:uuid:{uuid4()}",
                    f"identifier=urn:test|{mark}",
                ),
            ),
        )
        refused = "Goal" in server.habits.unindexed
        assert response.status_code == (400 if refused else 200)
        assert ("entry" in server.get("Task", identifier=f"urn:test|{mark}").json()) != refused

    def test_unsupported_search_parameter(self, server: Server) -> None:
        server.made(task(str(uuid4())))
        response = server.get("Task", **{"no-such-parameter": "x"})
        if server.habits.refuses_unknown_parameters:
            assert response.status_code == 400
            return
        found = response.json()
        modes = [e["search"]["mode"] for e in found["entry"]]
        assert modes[-1] == "outcome"
        assert modes.count("match") == min(20, found["total"]), (
            "the outcome is counted beyond the total"
        )

    def test_consent_by_absolute_url(self, server: Server, patient: str) -> None:
        policy = codes.concept(codes.V3_ACT_CODE, "OPTIN")
        scope = codes.concept(
            "http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"
        )
        category = codes.concept(codes.LOINC, "59284-0")
        server.made(
            {
                "resourceType": "Consent",
                "status": "active",
                "scope": scope,
                "category": [category],
                "policyRule": policy,
                "patient": codes.reference(patient),
            }
        )
        found = server.get("Consent", patient=f"{server.base}/{patient}").json()
        assert bool(found.get("entry")) == server.habits.finds_absolute_references
        assert len(server.get("Consent", patient=patient).json()["entry"]) == 1

    def test_shape_of_locations_and_etags_in_a_transaction(self, server: Server) -> None:
        response = server.post(
            "", transaction(bundle.post(task(str(uuid4())), f"urn:uuid:{uuid4()}"))
        ).json()["entry"][0]["response"]
        assert response["location"].startswith("http") == (
            server.habits.advertised_base is not None
        )
        assert response["etag"] == ("1" if server.habits.bare_etags else 'W/"1"')

    def test_dangling_reference(self, server: Server) -> None:
        response = server.post("DiagnosticReport", report("Patient/nobody-of-that-name"))
        assert response.status_code == (400 if server.habits.checks_references else 201)

    def test_focus_on_what_was_deleted(self, server: Server, patient: str) -> None:
        gone = server.made(report(patient))
        assert server.http.delete(f"{server.base}/DiagnosticReport/{gone['id']}").is_success
        assert server.get(f"DiagnosticReport/{gone['id']}").status_code == 410
        assert server.get(f"DiagnosticReport/{gone['id']}/_history/1").status_code == 200
        focus = codes.reference(f"DiagnosticReport/{gone['id']}")
        response = server.post("Task", task(str(uuid4()), focus=focus))
        assert response.status_code == (400 if server.habits.checks_references else 201)

    def test_wrong_code_and_wrong_target(self, server: Server, patient: str) -> None:
        code = server.post("DiagnosticReport", report(patient, status="draft"))
        target = server.post("DiagnosticReport", report(patient, result=[codes.reference(patient)]))
        assert (code.status_code, target.status_code) == (
            (400, 422) if server.habits.checks_codes else (201, 201)
        )

    def test_missing_required_element(self, server: Server) -> None:
        response = server.post("Condition", {"resourceType": "Condition"})  # without its subject
        assert response.status_code == (400 if server.habits.validates else 201)

    def test_the_same_search_twice(self, server: Server) -> None:
        mark = str(uuid4())
        url, query = f"{server.base}/Task", {"identifier": f"urn:test|{mark}"}
        assert "entry" not in server.http.get(url, params=query).json()
        server.made(task(mark))
        again = server.http.get(url, params=query).json()
        assert ("entry" in again) == (server.habits.search_cache_sec == 0)
        assert len(server.get("Task", **query).json()["entry"]) == 1

    def test_source_tags_and_versions_in_references(self, server: Server, patient: str) -> None:
        tag, other = codes.coding("urn:tags", "one"), codes.coding("urn:tags", "two")
        about = codes.reference(f"{patient}/_history/1")
        made = server.made(
            {**task(str(uuid4())), "meta": {"source": "urn:us", "tag": [tag]}, "for": about}
        )
        assert ("source" in made["meta"]) == server.habits.keeps_source
        assert made["for"]["reference"] == (
            patient if server.habits.strips_reference_versions else f"{patient}/_history/1"
        )
        server.put({**made, "priority": "urgent", "meta": {"tag": [other]}})
        tags = {t["code"] for t in server.get(f"Task/{made['id']}").json()["meta"]["tag"]}
        assert tags == ({"one", "two"} if server.habits.accumulates_tags else {"two"})

    def test_two_creates_under_one_token_in_one_transaction(self, server: Server) -> None:
        mark = str(uuid4())
        twins = [
            bundle.post(task(mark), f"urn:uuid:{uuid4()}", f"identifier=urn:test|{mark}")
            for _ in range(2)
        ]
        entries = server.post("", transaction(*twins)).json()["entry"]
        made = server.get("Task", identifier=f"urn:test|{mark}").json()["entry"]
        expected = 1 if server.habits.one_create_per_token else 2
        assert (len(entries), len(made)) == (expected, expected)

    def test_discovery_and_topics(self, server: Server) -> None:
        assert server.get(".well-known/smart-configuration").status_code == (
            200 if server.habits.smart_configuration else 404
        )
        listed = next(
            r
            for r in server.get("metadata").json()["rest"][0]["resource"]
            if r["type"] == "Subscription"
        ).get("extension", [])
        assert {e["valueCanonical"] for e in listed} >= set(server.habits.topics)
        assert bool(listed) == bool(server.habits.topics)

    def test_next_links_of_a_history(self, server: Server) -> None:
        for _ in range(3):
            server.made({"resourceType": "Organization", "name": "x"})
        found = server.get(
            "Organization/_history", _count="1", _since=instants.now()[:11] + "00:00:00.000Z"
        ).json()
        link = next(x["url"] for x in found["link"] if x["relation"] == "next")
        assert ("_since" not in link) or not server.habits.history_forgets_since
        assert "_getpages" not in link

    def test_next_links_of_a_search(self, server: Server) -> None:
        mark = str(uuid4())
        for _ in range(3):
            server.made(task(mark))
        found = server.get("Task", _count="1", identifier=f"urn:test|{mark}").json()
        link = next(x["url"] for x in found["link"] if x["relation"] == "next")
        assert ("_getpages" in link) == server.habits.page_state

    def test_when_a_delete_happened(self, server: Server) -> None:
        made = server.made({"resourceType": "Organization", "name": "x"})
        server.http.delete(f"{server.base}/Organization/{made['id']}")
        entry = server.get("Organization/_history", _count="1").json()["entry"][0]
        assert entry["request"]["method"] == "DELETE"
        assert ("lastModified" in entry["response"]) == server.habits.dates_deletes


class TestClient:
    """Our client makes one server of them."""

    def test_create_read_update_and_conflict(self, ehr: Ehr) -> None:
        made = ehr.create(task(str(uuid4())))
        assert made == Written(made.reference, "1", True)
        stands = ehr.read(f"http://another.name:1/x/{made.reference}/_history/1")
        assert stands is not None
        assert stands["status"] == "draft"
        assert ehr.update({**stands, "status": "requested"}, "1") == Written(
            made.reference, "2", False
        )
        with pytest.raises(Conflict):
            ehr.update({**stands, "status": "failed"}, "1")
        assert (ehr.read(made.reference) or {})["status"] == "requested"

    def test_what_is_gone_reads_as_none(self, server: Server, ehr: Ehr) -> None:
        made = ehr.create(task(str(uuid4())))
        server.http.delete(f"{server.base}/{made.reference}")
        assert [ehr.read(reference) for reference in (made.reference, "Task/never-was")] == [
            None,
            None,
        ]

    def test_conditional_create_says_who_was_first(self, ehr: Ehr) -> None:
        mark = str(uuid4())
        first = ehr.create(task(mark), f"identifier=urn:test|{mark}")
        second = ehr.create(task(mark), f"identifier=urn:test|{mark}")
        assert (first.created, second.created) == (True, False)
        assert (second.reference, second.version) == (first.reference, first.version)
        assert ehr.ensure(task(mark), "urn:test", mark).reference == first.reference

    def test_ensure_creates_once(self, ehr: Ehr) -> None:
        mark = str(uuid4())
        made = [ehr.ensure(task(mark), "urn:test", mark) for _ in range(3)]
        assert [w.created for w in made] == [True, False, False]
        assert len({w.reference for w in made}) == 1

    def test_search_follows_every_page_and_sees_what_was_just_written(
        self, ehr: Ehr, patient: str
    ) -> None:
        query = {"patient": patient, "_count": "2"}
        assert list(ehr.search("DiagnosticReport", query, subject=patient)) == []
        made = {ehr.create(report(patient)).reference for _ in range(5)}
        assert {
            f"DiagnosticReport/{r['id']}"
            for r in ehr.search("DiagnosticReport", query, subject=patient)
        } == made

    def test_search_never_gives_another_patients_resource(
        self, server: Server, ehr: Ehr, patient: str
    ) -> None:
        other = ehr.create({"resourceType": "Patient"}).reference
        ehr.create(goal(other))
        mine = ehr.create(goal(patient)).reference
        found = list(ehr.search("Goal", {"patient": patient}, subject=patient))
        assert [f"Goal/{r['id']}" for r in found] == [mine]

    def test_search_by_identifier_where_it_is_not_indexed_finds_no_other(
        self, ehr: Ehr, patient: str
    ) -> None:
        mark = str(uuid4())
        ehr.create(goal(patient) | {"identifier": identifier("another")})
        mine = ehr.create(goal(patient) | {"identifier": identifier(mark)}).reference
        assert [
            f"Goal/{r['id']}" for r in ehr.search("Goal", {"identifier": f"urn:test|{mark}"})
        ] == [mine]

    def test_history_shows_every_version_and_delete_since_then_once(
        self, server: Server, ehr: Ehr
    ) -> None:
        before = ehr.create({"resourceType": "Organization", "name": "before"}).reference
        version = next(
            v for v in ehr.history("Organization", "1970-01-01T00:00:00Z") if v.reference == before
        )
        made = [
            ehr.create({"resourceType": "Organization", "name": "x"}).reference for _ in range(230)
        ]  # more than a page
        ehr.update({"resourceType": "Organization", "id": made[0].split("/")[1], "name": "y"}, "1")
        server.http.delete(f"{server.base}/{made[1]}")
        found = list(ehr.history("Organization", version.time))
        assert len(found) == len({(v.reference, v.version) for v in found})
        seen = {(v.reference, v.version, v.deleted) for v in found}
        assert seen >= {
            *((m, "1", False) for m in made),
            (made[0], "2", False),
            (made[1], "2", True),
        }
        assert all(v.time >= version.time for v in found)
        assert [v.resource for v in found if v.deleted] == [None]

    def test_refusals_name_places_and_no_words_of_the_server(
        self, server: Server, ehr: Ehr
    ) -> None:
        broken = task(str(uuid4())) | (
            {"status": 17} if server.habits.validates else {"status": "Jane Doe"}
        )
        with pytest.raises(FhirError) as refused:
            ehr.create(broken)
        assert refused.value.status == 400
        assert refused.value.request == "POST Task"
        assert refused.value.issues
        assert refused.value.issues[0].endswith("at Task.status") or refused.value.issues == (
            "processing",
        )  # HAPI names no place
        assert "Jane" not in str(refused.value)

    def test_binary_attachments(self, ehr: Ehr) -> None:
        binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "aMOpbGxv"}
        stands = ehr.create(binary).reference
        for url in (stands, f"{ehr.base}/{stands}"):
            assert (
                ehr.attachment({"contentType": "text/plain", "url": url, "size": 6}, 100).decode()
                == "héllo"
            )

    def test_it_is_a_server_that_careloop_can_use(self, ehr: Ehr) -> None:
        needs = permissions(
            ["ImagingStudy", "AllergyIntolerance", "Binary"],
            ["DiagnosticReport", "Observation", "CarePlan", "DetectedIssue", "Goal"],
        )
        assert ehr.missing(needs) == []
        assert ehr.missing({"NoSuchType": "r"}) == ["the resource type NoSuchType"]
        assert missing_capabilities(ehr.capabilities(), {"Task": "crus"}) == []


class TestAnswers:
    """The guard: read the head, create it if there is none, write under its version.

    Nothing else protects a result.
    """

    def test_one_result_under_eight_writers(self, ehr: Ehr, patient: str) -> None:
        answer = Answer("imaging", f"ImagingStudy/{uuid4()}")
        start = threading.Barrier(WRITERS)
        outcomes = in_parallel(lambda n: write_once(ehr, answer, patient, n, start))
        assert sorted(outcomes) == ["conflict"] * (WRITERS - 1) + ["written"]
        self.assert_one_result(ehr, answer, patient)

    def test_eight_writers_that_start_again_end_with_the_last_one(
        self, ehr: Ehr, patient: str
    ) -> None:
        answer = Answer("imaging", f"ImagingStudy/{uuid4()}")
        start = threading.Barrier(WRITERS)

        def until_written(n: int) -> str:
            start.wait()
            while write_once(ehr, answer, patient, n) == "conflict":
                pass
            return "written"

        assert in_parallel(until_written) == ["written"] * WRITERS
        self.assert_one_result(ehr, answer, patient)
        head = ehr.head(answer)
        assert head is not None
        assert int(head.version) == 1 + WRITERS

    def test_an_old_head_never_writes_over_a_signature(self, ehr: Ehr, patient: str) -> None:
        answer = Answer("imaging", f"ImagingStudy/{uuid4()}")
        assert write_once(ehr, answer, patient, 1) == "written"
        old = ehr.head(answer)
        assert old is not None
        ehr.update(
            heads.decided(old, "signed", owner=None, reason=None, now=instants.now()), old.version
        )
        with pytest.raises(Conflict):
            write_result(ehr, old, patient, 2)
        signed = ehr.head(answer)
        assert signed is not None
        assert signed.signed
        assert signed.closed

    def assert_one_result(self, ehr: Ehr, answer: Answer, patient: str) -> None:
        tasks = list(ehr.search("Task", {"identifier": f"{codes.ANSWER}|{answer.uuid}"}))
        assert len(tasks) == 1
        head = head_of(tasks[0])
        assert head.outcome == "requested"
        reports = list(ehr.search("DiagnosticReport", {"patient": patient}, subject=patient))
        assert [f"DiagnosticReport/{r['id']}" for r in reports] == [head.outputs["report"]]
        assert reports[0]["conclusion"] == head.basis


def in_parallel(work: Any) -> list[str]:
    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(work, range(WRITERS)))


def write_once(
    ehr: Ehr, answer: Answer, patient: str, n: int, start: threading.Barrier | None = None
) -> str:
    """One writer: the head, the conditional create, the guarded transaction.

    All are at the head before any of them goes on.
    """
    head = ehr.head(answer)
    if start:
        start.wait()
    try:
        if head is None:
            draft = heads.first_draft(
                answer,
                1,
                subject=patient,
                device=patient.replace("Patient", "Device"),
                now=instants.now(),
            )
            draft["requester"] = codes.reference(patient)
            if not ehr.create(draft, heads.if_none_exist(answer, 1)).created:
                return "conflict"
            head = ehr.head(answer)
        assert head is not None
        write_result(ehr, head, patient, n)
    except Conflict:
        return "conflict"
    return "written"


def write_result(ehr: Ehr, head: Head, patient: str, n: int) -> None:
    basis = Basis(digest(str(n)))
    told = f"urn:uuid:{uuid4()}"
    result = report(patient, conclusion=str(basis))
    standing = head.outputs.get("report")
    if standing:
        stands = ehr.read(standing)
        assert stands is not None
        entry = bundle.put({**result, "id": stands["id"]}, stands["meta"]["versionId"])
        told = standing
    else:
        entry = bundle.post(result, told)
    outputs: Mapping[str, str] = {"report": told}
    changed = heads.requested(
        head,
        subject=patient,
        basis=basis,
        focus=told,
        device=patient,
        sources={},
        outputs=outputs,
        now=instants.now(),
    )
    ehr.transact(transaction(bundle.put(changed, head.version), entry))
