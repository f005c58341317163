"""A patient's plan on an EHR: drawn, left alone, drawn again, withdrawn.

Through the straight line, on the real sekmet and on the fake with HAPI's habits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from services.treatment.service import SERVICE
from shared.answers import Answer, Head
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.events import ResourceEvent
from shared.fhir import codes, lifecycle
from shared.fhir.summary import event_of
from shared.json import Json
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import load_settings
from tests.fakes import HAPI, FakeEhr
from tests.peers import sekmet
from tests.unit.treatment_record import PATIENT, genotype, implication, order, ours, patient, report


@pytest.fixture(scope="module", params=["real sekmet", "fake hapi"])
def ehr(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    if request.param == "real sekmet":
        with (
            sekmet(tmp_path_factory.mktemp("sekmet")) as peer,
            open_ehr(load_settings(fhir_url=peer.base)) as client,
        ):
            yield client.able(prove(client))
    else:
        with FakeEhr(HAPI) as fake, open_ehr(load_settings(fhir_url=fake.base)) as client:
            yield client.able(prove(client))


@dataclass(frozen=True)
class Chart:
    """One new patient at the EHR.

    She has a genomics report on clopidogrel, and orders of clopidogrel and omeprazole.
    """

    ehr: Ehr
    line: Line
    patient: str
    report: str
    genotype: str
    implication: str
    clopidogrel: str
    omeprazole: str

    @property
    def answer(self) -> Answer:
        return Answer("treatment", self.patient)

    def look(self) -> str:
        """Send an event about this patient: `result` after a write, else how it settled."""
        return self.settle(
            ResourceEvent(self.report, "1", "update", subject=self.patient, answer_of="genomics")
        )

    def hear(self, reference: str) -> str:
        """Send the event of this resource as it stands: `not accepted`, or as `look`."""
        resource = self.ehr.read(reference)
        assert resource is not None
        event = event_of(resource, "update")
        return self.settle(event) if SERVICE.accepts(event) else "not accepted"

    def settle(self, event: ResourceEvent) -> str:
        taken = self.line.take(event)
        if not isinstance(taken, Case):
            return taken
        (findings,) = SERVICE.analyze([taken.inputs], self.line.model)
        return self.line.put(taken, findings)

    def head(self) -> Head:
        head = self.ehr.head(self.answer)
        assert head is not None
        return head

    def output(self, key: str) -> Json:
        found = self.ehr.read(self.head().outputs[key])
        assert found is not None
        return found

    def change(self, reference: str, **elements: Any) -> None:
        resource = self.ehr.read(reference)
        assert resource is not None
        self.ehr.update(resource | elements, resource["meta"]["versionId"])


def made(ehr: Ehr, resource: Json, subject: str) -> str:
    """The resource as a new one of this patient."""
    body = {k: v for k, v in resource.items() if k not in ("id", "meta")}
    return ehr.create(
        body | ({"subject": codes.reference(subject)} if "subject" in body else {})
    ).reference


@pytest.fixture
def chart(ehr: Ehr) -> Chart:
    settings = load_settings(fhir_url=ehr.base)
    line = Line(SERVICE, ehr, SERVICE.load(settings), settings, at_ehr(ehr))
    subject = made(ehr, patient(), PATIENT)
    found = made(ehr, genotype("CYP2C19", "*1/*2"), subject)
    advice = implication(
        "clopidogrel", "32968", "CYP2C19", "Intermediate Metabolizer", answer="LA10317-8"
    )
    about = made(ehr, advice | {"derivedFrom": [codes.reference(found)]}, subject)
    written = report("genomics", "gen", conclusion="CYP2C19 *1/*2.") | {
        "result": [codes.reference(found), codes.reference(about)]
    }
    clopidogrel = made(ehr, order("clopidogrel", "32968", mg=75), subject)
    omeprazole = made(ehr, order("omeprazole", "7646", mg=20), subject)
    return Chart(
        ehr, line, subject, made(ehr, written, subject), found, about, clopidogrel, omeprazole
    )


def test_the_plan_proposes_a_dose_and_raises_an_alert(chart: Chart) -> None:
    assert chart.look() == "result"
    plan = chart.output("report")
    assert (plan["resourceType"], plan["status"]) == ("CarePlan", "draft")
    assert codes.reference(chart.report) in plan["supportingInfo"]
    request = chart.output("dose-cyp2c19-clopidogrel-ticagrelor")
    assert request["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 90
    issue = chart.output("interaction-clopidogrel-omeprazole-clopidogrel-omeprazole")
    assert {
        i["reference"].rsplit("/", 2)[-2] + "/" + i["reference"].rsplit("/", 1)[-1]
        for i in issue["implicated"]
    } == {chart.clopidogrel, chart.omeprazole}


def test_a_replay_and_a_bare_signature_change_nothing(chart: Chart) -> None:
    chart.look()
    before = chart.head().version
    assert chart.look() == "unchanged"
    chart.change(chart.report, status="final", resultsInterpreter=[{"display": "Dr. A"}])
    chart.change(chart.implication, status="final")
    assert chart.look() == "unchanged"
    assert chart.head().version == before


def test_an_amended_report_draws_the_plan_again(chart: Chart) -> None:
    chart.look()
    chart.change(chart.report, status="amended", conclusion="CYP2C19 genotype not reliable.")
    assert chart.look() == "result"
    assert "not reliable" in str(chart.output("report")["note"])
    assert chart.head().revision == 1


def test_a_rejected_report_takes_its_proposals_along(chart: Chart) -> None:
    chart.look()
    dose = chart.head().outputs["dose-cyp2c19-clopidogrel-ticagrelor"]
    chart.change(chart.report, status="cancelled")
    chart.change(chart.implication, status="cancelled")
    assert chart.look() == "result"
    withdrawn = chart.ehr.read(dose)
    assert withdrawn is not None
    assert withdrawn["status"] == lifecycle.STATUS["MedicationRequest"]["rejected"]
    assert "interaction-clopidogrel-omeprazole-clopidogrel-omeprazole" in chart.head().outputs


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
@pytest.mark.parametrize("which", ["genotype", "implication"])
def test_a_result_taken_back_in_the_ehr_takes_its_proposals_along(
    chart: Chart, which: str, status: str
) -> None:
    chart.look()
    dose = chart.head().outputs["dose-cyp2c19-clopidogrel-ticagrelor"]
    chart.change(getattr(chart, which), status=status)
    assert chart.hear(getattr(chart, which)) == "result"
    withdrawn = chart.ehr.read(dose)
    assert withdrawn is not None
    assert withdrawn["status"] == "cancelled"
    assert "dose-cyp2c19-clopidogrel-ticagrelor" not in chart.head().outputs


def test_a_result_corrected_in_the_ehr_draws_the_plan_again(chart: Chart) -> None:
    chart.look()
    chart.change(chart.genotype, status="corrected", valueCodeableConcept={"text": "CYP2C19 *1/*3"})
    assert chart.hear(chart.genotype) == "result"
    assert "CYP2C19 *1/*3" in str(chart.output("report")["note"])


def test_the_events_of_our_own_writing_draw_nothing_twice(chart: Chart) -> None:
    """Neither the results of a report nor the plan drawn from them echo."""
    chart.look()
    before, parts = chart.head().version, [*chart.head().outputs.values(), chart.head().reference]
    assert [chart.hear(ref) for ref in (chart.genotype, chart.implication, chart.report)] == [
        "unchanged"
    ] * 3
    assert [chart.hear(ref) for ref in parts] == ["not accepted"] * len(parts)
    for ref in (chart.genotype, chart.implication):  # a bare signature
        chart.change(ref, status="final")
        assert chart.hear(ref) == "unchanged"
    assert chart.head().version == before


def test_when_nothing_is_left_the_plan_is_withdrawn_and_comes_back_with_its_reason(
    chart: Chart,
) -> None:
    chart.look()
    plan = chart.head().outputs["report"]
    chart.change(chart.report, status="cancelled")
    chart.change(chart.omeprazole, status="stopped")
    assert chart.look() == "withdrawn"
    assert chart.head().outcome == "cancelled"
    gone = chart.ehr.read(plan)
    assert gone is not None
    assert gone["status"] == "revoked"
    assert chart.look() == "unchanged"
    chart.change(chart.omeprazole, status="active")
    assert chart.look() == "result"
    assert chart.head().outcome == "requested"


def test_a_signed_plan_stays_and_its_own_orders_open_nothing(chart: Chart) -> None:
    chart.look()
    proposed = chart.output("dose-cyp2c19-clopidogrel-ticagrelor")
    chart.ehr.update(lifecycle.at_stage(proposed, "signed"), proposed["meta"]["versionId"])
    assert chart.look() == "unchanged"


def test_a_patient_on_whom_no_rule_speaks_gets_no_plan(ehr: Ehr, chart: Chart) -> None:
    subject = made(ehr, patient(), PATIENT)
    order_only = made(ehr, order("levothyroxine", "10582"), subject)
    event = ResourceEvent(
        order_only, "1", "create", subject=subject, status="active", intent="order"
    )
    assert chart.line.take(event) == "not_ours"
    assert ehr.head(Answer("treatment", subject)) is None


def test_another_patients_results_are_never_read(chart: Chart, ehr: Ehr) -> None:
    other = made(ehr, patient(), PATIENT)
    crossed = report("genomics", "x") | {
        "identifier": ours("genomics"),
        "result": [codes.reference(chart.implication)],
    }
    made(ehr, crossed, other)
    made(ehr, order("clopidogrel", "32968"), other)
    event = ResourceEvent("DiagnosticReport/x", "1", "create", subject=other, answer_of="genomics")
    taken = chart.line.take(event)
    assert isinstance(taken, Case)
    assert taken.inputs.implications == ()
    assert {m.reference for m in taken.inputs.medications}.isdisjoint(
        {chart.clopidogrel, chart.omeprazole}
    )
