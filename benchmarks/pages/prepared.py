"""The demo's patient at an EHR, with a result of each service."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.requests import event_for
from services import catalogue
from services.clinic.state import patient_files
from services.load.patient import load_patient
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import load_settings


@dataclass(frozen=True)
class Prepared:
    """What there is to look at.

    Attributes:
        practitioner: `Practitioner/id` of the one who looks.
        pages: the path of each page, by what it shows.
    """

    base: str
    practitioner: str
    pages: dict[str, str]


def prepared(base: str, folder: Path) -> Prepared:
    """Write the results as the services do."""
    settings = load_settings(fhir_url=base, state_dir=folder)
    with open_ehr(settings) as client:
        ehr = client.able(prove(client))
        services = catalogue.analysers()
        load_patient(patient_files(folder, services), settings, ehr, lambda _: None)
        name = {"family": "Berg", "given": ["Ada"]}
        who = ehr.create({"resourceType": "Practitioner", "active": True, "name": [name]})
        results = {}
        for service in services:
            line = Line(service, ehr, service.load(settings), settings, at_ehr(ehr))
            results[service.name] = _result(line)
        return Prepared(base, who.reference, dict(_pages(ehr, results)))


def _result(line: Line) -> str:
    """Write a service's result on its first input; return the id of the head."""
    case = line.take(event_for(line.service, line.ehr))
    assert isinstance(case, Case), case
    [findings] = line.service.analyze([case.inputs], line.model)
    assert line.put(case, findings) == "result"
    head = line.ehr.head(case.answer)
    assert head is not None
    return head.reference.split("/")[1]


def _pages(ehr: Ehr, results: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield from ((f"result: {name}", f"/results/{task}") for name, task in results.items())
    for name, task in results.items():
        head = ehr.read(f"Task/{task}") or {}
        for output in head.get("output", []):
            reference = output.get("valueReference", {}).get("reference", "")
            if "Media/" in reference:
                key = output["type"]["coding"][0]["code"]
                yield f"film of {name}", f"/results/{task}/film"
                yield f"picture of {name}", f"/results/{task}/media/{key}"
    device = head.get("requester", {}).get("reference", "").split("/")[-1]
    yield f"model of {name}", f"/models/{device}"
