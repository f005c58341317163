"""End to end on an EHR with HAPI FHIR's habits: numeric ids, integrity checks, 409, cached
searches, relative locations (docs/ehr.md).

A shorter story than `test_loop`'s, on the embedded log: the services are killed, the EHR is not,
since it keeps its state in memory. The same on a real HAPI FHIR (`make hapi`), which gets a server
of its own: what other tests left behind would be analysed as well.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services import catalogue
from shared.fhir import codes
from shared.fhir.check import check
from tests.e2e.clinic import Clinic, until
from tests.e2e.loop.support import EXPECTED, Story, change_and_withdraw, scatter, sign, why
from tests.e2e.patients import write_patients
from tests.hapi.server import Hapi
from tests.peers import FakeHapi

pytestmark = pytest.mark.timeout(900)
PATIENTS = ("healthy", "film", "denies", "genome", "changes")


@pytest.fixture(
    scope="module", params=["fake hapi", pytest.param("real hapi", marks=pytest.mark.hapi)]
)
def story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("hapi")
    ehr = FakeHapi(folder) if request.param == "fake hapi" else Hapi(folder)
    ehr.start()
    clinic = Clinic(folder, ehr, None)
    try:
        yield tell(Story(clinic), folder)
    finally:
        clinic.close()
        ehr.stop()


def tell(story: Story, folder: Path) -> Story:
    clinic, patients = story.clinic, write_patients(folder / "patients")
    clinic.start()
    for name in PATIENTS:
        story.load(name, patients[name])
    assert until(lambda: story.outcome("genomics", "healthy") == "requested", 180), why(story)
    for service in (*catalogue.analyser_names(), "intake"):
        clinic.kill(service)
    clinic.start(*catalogue.analyser_names(), "intake")
    scatter(clinic)
    assert until(lambda: story.outcome("notes", "changes") == "requested", 180), why(story)
    change_and_withdraw(story)
    assert until(story.settled, 300), why(story)
    return story


def test_every_answer_has_exactly_one_outcome(story: Story) -> None:
    assert {
        name: {s: story.outcome(s, name) for s in catalogue.analyser_names()} for name in EXPECTED
    } == EXPECTED


def test_there_is_one_report_per_answer(story: Story) -> None:
    heads = [story.head(s, n) for n in EXPECTED for s in catalogue.analyser_names()]
    focused = {h.outputs["report"] for h in heads if h and "report" in h.outputs}
    patients = {inputs["patient"] for inputs in story.inputs.values()}
    reports = [
        r
        for kind in ("DiagnosticReport", "CarePlan")
        for r in story.clinic.ehr.search(kind, {})
        if r["subject"]["reference"] in patients
    ]
    assert {f"{r['resourceType']}/{r['id']}" for r in reports} == focused
    assert len(reports) == len(focused)


def test_a_signed_report_is_final_and_its_signer_stands_in_a_provenance(story: Story) -> None:
    clinic, head = story.clinic, story.head("genomics", "healthy")
    assert head
    sign(clinic, head)
    report = clinic.ehr.read(head.outputs["report"])
    assert report
    assert report["status"] == "final"
    provenances = clinic.ehr.search("Provenance", {"target": head.outputs["report"]})
    verifiers = [
        p
        for p in provenances
        if codes.has_code(p["agent"][0]["type"], codes.PROVENANCE_AGENT, "verifier")
    ]
    assert [p["agent"][0]["who"]["reference"] for p in verifiers] == [clinic.practitioner]


def test_everything_written_keeps_to_r4_as_the_ehr_gives_it_back(story: Story) -> None:
    """HL7's validator goes over the same resources in `test_loop`."""
    resources = [
        r
        for r in story.clinic.history()
        if "AIAST" in str(r.get("meta", {}).get("security")) or r["resourceType"] == "Task"
    ]
    assert len(resources) > 50
    for resource in resources:
        check(resource)
