"""Client: versions."""

from typing import Any

import pytest

from shared.ehr.client import Written
from shared.ehr.responses import onto, version_in, versions, with_since
from shared.ehr.wire.response import Response
from tests.served import Asked, json_response
from tests.unit.client.support import TASK, Answering


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

    def test_a_link_that_leads_in_a_circle_ends(self, answering: Answering) -> None:
        page = {
            "resourceType": "Bundle",
            "link": [{"relation": "next", "url": "http://ehr.test/fhir/Task?page=1"}],
            "entry": [{"resource": {**TASK, "id": "1"}}],
        }
        assert [t["id"] for t in answering(lambda _: json_response(page)).search("Task", {})] == [
            "1"
        ]

    def test_only_matches_of_the_type_count(self, answering: Answering) -> None:
        entries = [
            {"resource": {**TASK, "id": "1"}, "search": {"mode": "match"}},
            {"resource": {**TASK, "id": "2"}, "search": {"mode": "include"}},
            {"resource": {"resourceType": "Patient", "id": "3"}, "search": {"mode": "match"}},
            {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
        ]
        ehr = answering(lambda _: json_response({"resourceType": "Bundle", "entry": entries}))
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

    def test_a_server_that_says_nothing_is_asked(self, answering: Answering) -> None:
        def respond(request: Asked) -> Response:
            if request.method == "PUT":
                return Response(200)
            return json_response({**TASK, "id": "1", "meta": {"versionId": "7"}})

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
        self, entry: dict[str, Any], reference: str, answering: Answering
    ) -> None:
        body = {"entry": [entry, {"resource": {**TASK, "id": "3"}}]}
        assert [v.reference for v in versions(body, "Task", "2026-01-01T00:00:00.000Z")] == [
            reference,
            "Task/3",
        ]
        found = answering(
            lambda r: (
                Response(405)
                if "_history" in r.target
                else json_response({"resourceType": "Bundle", **body})
            )
        )
        assert "Task/3" in [v.reference for v in found.history("Task", "2026-01-01T00:00:00Z")]

    def test_where_there_is_no_type_history_last_updated_stands_in(
        self, answering: Answering
    ) -> None:
        asked: list[str] = []

        def respond(request: Asked) -> Response:
            asked.append(request.target)
            if "_history" in request.target:
                return Response(405)
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
            return json_response(body)

        found = [
            (v.reference, v.version, v.deleted)
            for v in answering(respond).history("Task", "2026-01-01T02:00:00+02:00")
        ]
        assert found == [("Task/1", "2", False)]
        assert "_since=2026-01-01T00%3A00%3A00.000Z" in asked[0]
        assert "_lastUpdated=ge2026-01-01T00%3A00%3A00.000Z" in asked[1]
