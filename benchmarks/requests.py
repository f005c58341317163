"""`python -m benchmarks.requests`: count what a service asks of the EHR an event.

The demo's patient at a FakeEhr of each habit. A service's Devices and model cards stand already, as
they do from its second event on.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from benchmarks.fake_ehr import HAPI, SEKMET, FakeEhr, Habits
from benchmarks.report import markers
from benchmarks.report.markdown import table
from services import catalogue
from services.clinic.state import patient_files
from services.load.patient import load_patient
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.summary import event_of
from shared.json import Json
from shared.runtime.line import Case, Line, at_ehr
from shared.service import Service
from shared.settings import load_settings

BEGIN: Final = (
    "<!-- measured: written by `python -m benchmarks.requests --docs docs/performance.md` -->"
)
SERVERS: Final[dict[str, Habits]] = {
    "HAPI": HAPI,
    "sekmet": SEKMET,
    "HAPI, without batches": replace(HAPI, batches=False),
}
HEADS: Final = ("service", "EHR", "a first result", "the same again", "a denial")
Row = tuple[str, str, int, int, int]
"""The cells under `HEADS`."""


def counted(server: str) -> Iterator[Row]:
    """Count the requests of each service at a server."""
    with TemporaryDirectory() as folder, FakeEhr(SERVERS[server]) as fake:
        settings = load_settings(fhir_url=fake.base, state_dir=Path(folder))
        with open_ehr(settings) as client:
            ehr = client.able(prove(client))
            services = catalogue.analysers()
            files = patient_files(Path(folder), services)
            patient = load_patient(files, settings, ehr, lambda _: None)[0].reference

            # a plan is drawn from the reports of the services before it
            rows = []
            for service in services:
                line = Line(service, ehr, service.load(settings), settings, at_ehr(ehr))
                event = event_for(service, ehr)
                _register(line, event)
                asked = [_asked(fake, line, event, settled) for settled in ("result", "unchanged")]
                rows.append((line, event, asked))

            ehr.create(_denial(patient))
            for line, event, asked in rows:
                denied = _asked(fake, line, event, "not_analysed")
                yield line.service.name, server, asked[0], asked[1], denied


def event_for(service: Service, ehr: Ehr) -> ResourceEvent:
    """Return the first event that the service accepts."""
    found = (
        event_of(r, "update") for kind in sorted(service.triggers) for r in ehr.search(kind, {})
    )
    return next(event for event in found if service.accepts(event))


def _register(line: Line, event: ResourceEvent) -> None:
    case = line.take(event)
    assert isinstance(case, Case)
    line.register.service(line.service.name)
    for card in case.cards:
        line.register.device(card)


def _asked(fake: FakeEhr, line: Line, event: ResourceEvent, expected: str) -> int:
    before = len(fake.requests)
    settled: object = line.take(event)
    if isinstance(settled, Case):
        [findings] = line.service.analyze([settled.inputs], line.model)
        settled = line.put(settled, findings)
    assert settled == expected, f"{line.service.name}: {settled}"
    return len(fake.requests) - before


def _denial(patient: str) -> Json:
    scope = "http://terminology.hl7.org/CodeSystem/consentscope"
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": codes.concept(scope, "patient-privacy"),
        "category": [codes.concept(codes.LOINC, "59284-0")],
        "patient": codes.reference(patient),
        "policyRule": codes.concept(codes.V3_ACT_CODE, "OPTOUT"),
    }


@click.command()
@click.option("--docs", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(docs: Path | None) -> None:
    """Count the requests of each service, and print the table or write it into a page."""
    rows = sorted(row for server in SERVERS for row in counted(server))
    written = "\n".join(table(HEADS, ([str(cell) for cell in row] for row in rows))) + "\n"
    if docs:
        markers.into(docs, BEGIN, written)
    else:
        click.echo(written)


if __name__ == "__main__":
    main()
