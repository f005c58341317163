"""Results by hand, without an EHR."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.review.panels.material import Material
from services.review.result.film import FilmShelf
from services.review.result.result import Result
from shared.answers import Answer, Basis, digest
from shared.ehr.ahead import Question
from shared.ehr.client import Ehr
from shared.fhir import codes, heads
from shared.fhir.heads import head_of
from shared.json import Json
from shared.panel import Panel
from shared.settings import load_settings

PATIENT = "Patient/1"
NOW = "2026-01-01T00:00:00.000Z"


class Shelf(Ehr):
    """An EHR's reads over resources in a dict; it counts its searches."""

    def __init__(self, *resources: Json) -> None:
        self.base = "http://ehr.example/fhir"
        self.resources = {f"{r['resourceType']}/{r['id']}": r for r in resources}
        self.searches: list[tuple[str, Mapping[str, Any]]] = []

    def ahead(self, questions: Sequence[Question]) -> "Shelf":
        return self

    def read(self, reference: str) -> Json | None:
        return self.resources.get(reference)

    def search(
        self, kind: str, params: Mapping[str, Any], *, subject: str | None = None
    ) -> Iterator[Json]:
        self.searches.append((kind, params))
        yield from [r for r in self.resources.values() if r["resourceType"] == kind]


def resource(kind: str, id: str, **elements: Any) -> Json:
    """A resource of the patient."""
    mine = {"subject": codes.reference(PATIENT), "meta": {"versionId": "1"}}
    return {"resourceType": kind, "id": id, **mine, **elements}


def result(*written: Json, service: str = "toy", sources: tuple[Json, ...] = ()) -> Result:
    """A waiting result that wrote these; the first one is its focus."""
    outputs = {f"{r['resourceType']}-{r['id']}": r for r in written}
    answer = Answer(service, "Observation/9")
    task = heads.requested(
        head_of(
            heads.first_draft(answer, 1, subject=PATIENT, device="Device/1", now=NOW)
            | {"id": "7", "meta": {"versionId": "1"}}
        ),
        subject=PATIENT,
        basis=Basis(digest("x")),
        focus=f"{written[0]['resourceType']}/{written[0]['id']}",
        device="Device/1",
        sources={"Observation/9": "1"},
        outputs={key: f"{r['resourceType']}/{r['id']}" for key, r in outputs.items()},
        now=NOW,
    )
    head = head_of(task | {"id": "7", "meta": {"versionId": "2"}})
    patient = {"resourceType": "Patient", "id": "1"}
    return Result(head, service, PATIENT, patient, outputs, sources, (), (), (), ())


def material(made: Result, panel: Panel | None = None, ehr: Ehr | None = None) -> Material:
    """What the parts of its page are built from."""
    settings = load_settings(state_dir=Path("/nonexistent"))
    return Material(ehr or Shelf(), settings, FilmShelf(), made, panel or Panel())
