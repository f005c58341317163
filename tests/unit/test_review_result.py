"""What a result's page reads: who wrote and who verified it, in the order in which they did."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.review.result import gather
from shared.answers import Answer, Basis, digest, head_of
from shared.fhir import codes, heads
from shared.fhir.client import Ehr

Json = dict[str, Any]
NOW = "2026-01-01T00:00:00.000Z"


class Shelf(Ehr):
    """An EHR's reads over resources in a dict; a search gives everything of the kind, as servers do that ignore a parameter."""

    def __init__(self, *resources: Json) -> None:
        self.resources = {f"{r['resourceType']}/{r['id']}": r for r in resources}

    def read(self, reference: str) -> Json | None:
        return self.resources.get(reference)

    def search(self, kind: str, params: Mapping[str, Any], *, subject: str | None = None) -> Iterator[Json]:
        yield from (r for r in self.resources.values() if r["resourceType"] == kind)


def provenance(id: str, recorded: str) -> Json:
    return {"resourceType": "Provenance", "id": id, "target": [codes.reference("DiagnosticReport/1")], "recorded": recorded}


def test_who_wrote_and_who_verified_stand_in_the_order_of_time() -> None:
    answer = Answer("imaging", "ImagingStudy/1")
    first = heads.first_draft(answer, 1, subject="Patient/1", device="Device/1", now=NOW) | {"id": "7", "meta": {"versionId": "1"}}
    task = heads.requested(
        head_of(first),
        subject="Patient/1",
        basis=Basis(digest("x")),
        focus="DiagnosticReport/1",
        device="Device/1",
        sources={},
        outputs={"report": "DiagnosticReport/1"},
        now=NOW,
    )
    report = {"resourceType": "DiagnosticReport", "id": "1", "subject": codes.reference("Patient/1"), "meta": {"versionId": "1"}}
    recorded = {"last": "2026-01-01T23:30:00-05:00", "second": "2026-01-02T01:00:00Z", "first": "2026-01-02T05:00:00+08:00"}
    ehr = Shelf(task | {"meta": {"versionId": "2"}}, report, {"resourceType": "Patient", "id": "1"}, *(provenance(k, v) for k, v in recorded.items()))
    assert [p["id"] for p in gather(ehr, "7").provenance] == ["first", "second", "last"]
