"""Line: what others do between the first look at the EHR and the write."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import Conflict
from shared.events import ResourceEvent
from shared.json import Json
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import Settings
from tests.contract.line.support import consent, event, head, run, write
from tests.contract.line_turns.support import person, repoint
from tests.merging import link, say
from tests.toy import TOY, Model

WRITERS = 8


def another(ehr: Ehr, folder: Path) -> Line:
    """The service in another process: it remembers nothing."""
    settings = Settings(fhir_url=ehr.base, state_dir=folder)
    client = open_ehr(settings).able(ehr.abilities)
    return Line(TOY, client, Model(), settings, at_ehr(client))


def standing(ehr: Ehr, patient: str) -> list[Json]:
    found = ehr.search("DiagnosticReport", {"patient": patient.split("/")[1]}, subject=patient)
    return [report for report in found if report["status"] != "cancelled"]


def begun(line: Line, reference: str) -> Case:
    case = line.take(event(line.ehr, reference))
    assert isinstance(case, Case)
    return case


def put(line: Line, case: Case) -> str:
    [findings] = TOY.analyze([case.inputs], line.model)
    return line.put(case, findings)


def until_settled(line: Line, created: ResourceEvent) -> str:
    while True:
        try:
            return run(line, created)
        except Conflict:
            continue


def test_eight_processes_draw_one_result(ehr: Ehr, patient: str, tmp_path: Path) -> None:
    reference = write(ehr, patient, "one two three")
    created = event(ehr, reference)
    lines = [another(ehr, tmp_path) for _ in range(WRITERS)]
    start = threading.Barrier(WRITERS)

    def work(line: Line) -> str:
        start.wait()
        return until_settled(line, created)

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = list(pool.map(work, lines))
    assert "result" in outcomes and set(outcomes) <= {"result", "unchanged"}
    assert len(ehr.heads(Answer("toy", reference))) == 1
    [report] = standing(ehr, patient)
    assert head(ehr, reference).outputs["report"] == f"DiagnosticReport/{report['id']}"


def test_a_denial_in_between_is_heard(ehr: Ehr, line: Line, patient: str) -> None:
    reference = write(ehr, patient, "one")
    case = begun(line, reference)
    ehr.create(consent(patient, {"provision": [{"type": "deny"}]}))
    assert put(line, case) == "not_analysed"
    assert standing(ehr, patient) == []
    assert head(ehr, reference).outcome == "rejected"


def test_nothing_is_written_to_a_patient_whose_input_moved_in_between(
    ehr: Ehr, line: Line, patient: str
) -> None:
    other = person(ehr)
    reference = write(ehr, patient, "one")
    case = begun(line, reference)
    repoint(ehr, reference, other)
    with pytest.raises(Conflict, match="the input changed"):
        put(line, case)
    assert standing(ehr, patient) == standing(ehr, other) == []
    assert run(line, event(ehr, reference)) == "result"
    assert standing(ehr, patient) == []
    assert len(standing(ehr, other)) == 1


@pytest.mark.parametrize("kind", ["replaced-by", "replaces"])
def test_a_merge_in_between_that_the_other_record_alone_tells_starts_again(
    ehr: Ehr, line: Line, patient: str, kind: str
) -> None:
    other = person(ehr)
    reference = write(ehr, patient, "one")
    case = begun(line, reference)
    if kind == "replaces":
        say(ehr, patient, active=False)
    say(ehr, other, link(kind, patient), active=kind == "replaces")
    ehr.create(consent(other, {"provision": [{"type": "deny"}]}))
    with pytest.raises(Conflict, match="merged or parted"):
        put(line, case)
    assert standing(ehr, patient) == standing(ehr, other) == []
    assert run(line, event(ehr, reference)) == "not_analysed"
