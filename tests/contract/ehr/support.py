"""What the tests of ehr share."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from shared import instants
from shared.answers import Answer, Basis, Head, digest
from shared.ehr.client import Ehr
from shared.errors import Conflict
from shared.fhir import bundle, codes, heads
from shared.json import Json
from shared.references import own_place
from tests.fakes import Habits

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
        return self.get(own_place(response.headers["Location"])).json()


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
