"""Ehr: habits."""

from uuid import uuid4

from shared import instants
from shared.fhir import bundle, codes
from shared.json import Json
from tests.contract.ehr.support import Server, goal, identifier, report, task, transaction


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

    def test_an_update_of_what_is_not_there_under_a_guard(self, server: Server) -> None:
        stale = server.habits.stale_if_match
        absent = task("x") | {"id": str(uuid4())}
        first = server.put(absent, **{"If-Match": 'W/"0"'})
        again = server.put(absent | {"priority": "asap"}, **{"If-Match": 'W/"0"'})
        created = 201 if server.habits.creates_under_if_match else stale
        assert (first.status_code, again.status_code) == (created, stale)

        absent = task("x") | {"id": str(uuid4())}
        first = server.put(absent, **{"If-None-Match": "*"})
        again = server.put(absent | {"priority": "asap"}, **{"If-None-Match": "*"})
        replaced = stale if server.habits.honours_if_none_match else 200
        assert (first.status_code, again.status_code) == (201, replaced)

    def test_a_batch_of_reads_and_searches(self, server: Server) -> None:
        mark = str(uuid4())
        search = f"Task?identifier=urn:test|{mark}"
        wanted = [f"Task/{uuid4()}", search]

        def batch() -> list[Json]:
            entries = [{"request": {"method": "GET", "url": url}} for url in wanted]
            bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
            found: list[Json] = server.post("", bundle, **{"Cache-Control": "no-cache"}).json()[
                "entry"
            ]
            return found

        missing, empty = batch()
        assert missing["response"]["status"].startswith("404")
        assert empty["response"]["status"].startswith("200")
        assert empty["resource"].get("entry", []) == []
        made = server.made(task(mark))
        wanted.append(f"Task/{made['id']}")
        _, found, read = batch()
        assert [e["resource"]["id"] for e in found["resource"]["entry"]] == [made["id"]]
        assert read["resource"]["meta"]["versionId"] == made["meta"]["versionId"]
