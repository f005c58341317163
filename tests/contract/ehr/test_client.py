"""Ehr: client."""

import threading
from uuid import uuid4

import pytest

from shared import instants
from shared.answers import Answer
from shared.ehr.auth.scopes import permissions
from shared.ehr.capabilities import missing_capabilities
from shared.ehr.client import Ehr, Written
from shared.errors import Conflict, FhirError
from shared.fhir import codes, heads
from shared.fhir.heads import head_of
from tests.contract.ehr.support import (
    WRITERS,
    Server,
    goal,
    identifier,
    in_parallel,
    report,
    task,
    write_once,
    write_result,
)


class TestClient:
    """Our client makes one server of them."""

    def test_create_read_update_and_conflict(self, ehr: Ehr) -> None:
        made = ehr.create(task(str(uuid4())))
        assert made == Written(made.reference, "1", True)
        assert ehr.read(f"http://another.name:1/x/{made.reference}/_history/1") is None
        stands = ehr.read(f"{ehr.base}/{made.reference}/_history/1")
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
