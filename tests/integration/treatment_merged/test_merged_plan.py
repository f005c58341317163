"""A plan after a merge: one, on the record in use, from what all the records hold."""

from dataclasses import replace

import pytest

from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.errors import Conflict
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.person import CONTRADICTION
from shared.references import subject_of
from tests.contract.line.support import consent, decide, stand
from tests.integration.test_treatment_plan import Chart, made
from tests.merging import WAYS, How, link, merge, say, stands, unmerge
from tests.unit.treatment_record import PATIENT, order, patient, resource

CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
INTERACTION = "interaction-clopidogrel-omeprazole-clopidogrel-omeprazole"


@pytest.fixture
def survivor(ehr: Ehr) -> str:
    return made(ehr, patient(), PATIENT)


@pytest.fixture
def kept(chart: Chart, survivor: str) -> Chart:
    """The chart of the record that survives."""
    return replace(chart, patient=survivor)


def outcomes(*charts: Chart) -> list[str | None]:
    heads = [chart.ehr.head(chart.answer) for chart in charts]
    return [head.outcome if head else None for head in heads]


def plan_of(chart: Chart) -> str:
    return chart.head().outputs["report"]


@pytest.mark.parametrize("how", WAYS)
def test_the_survivors_plan_is_drawn_from_all_and_the_retired_one_is_withdrawn(
    chart: Chart, kept: Chart, how: How
) -> None:
    made(chart.ehr, order("warfarin", "11289"), kept.patient)
    chart.look()
    former = plan_of(chart)
    merge(chart.ehr, chart.patient, kept.patient, how)
    told = [chart.look(), kept.look()]
    assert told == (["withdrawn", "result"] if how == "deleted" else ["result", "unchanged"])
    assert outcomes(chart, kept) == ["cancelled", "requested"]
    assert stands(chart.ehr, former)["status"] == "revoked"
    assert INTERACTION in kept.head().outputs
    assert subject_of(kept.output("report")) == kept.patient
    assert [chart.look(), kept.look()] == ["unchanged"] * 2

    said = "This record also holds what was recorded under another record of this patient"
    assert (said in str(kept.output("report")["note"])) == (how != "deleted")


def test_a_drug_under_each_record_is_one_patients_interaction(
    ehr: Ehr, chart: Chart, kept: Chart
) -> None:
    chart.change(chart.omeprazole, status="stopped")
    hers = made(ehr, order("omeprazole", "7646", mg=20), kept.patient)
    merge(ehr, chart.patient, kept.patient)
    assert kept.look() == "result"
    named = {i["reference"] for i in kept.output(INTERACTION)["implicated"]}
    assert {"/".join(n.split("/")[-2:]) for n in named} == {hers, chart.clopidogrel}


def test_an_allergy_under_the_retired_record_counts(ehr: Ehr, chart: Chart, kept: Chart) -> None:
    allergy = resource(
        "AllergyIntolerance",
        "x",
        code=codes.concept(codes.RXNORM, "32968", "clopidogrel", text="clopidogrel"),
        clinicalStatus=codes.concept(CLINICAL, "active"),
    )
    retired = made(ehr, patient(), PATIENT)
    body = {k: v for k, v in allergy.items() if k not in ("id", "meta")}
    ehr.create(body | {"patient": codes.reference(retired)})
    merge(ehr, retired, chart.patient)
    assert chart.look() == "result"
    assert any(key.startswith("allergy") for key in chart.head().outputs)


@pytest.mark.parametrize("how", WAYS)
def test_a_signed_plan_stays_and_is_not_drafted_again(
    ehr: Ehr, chart: Chart, kept: Chart, how: How
) -> None:
    chart.look()
    decide(ehr, chart.head(), "signed")
    merge(ehr, chart.patient, kept.patient, how)
    for told in (chart, kept, kept):
        assert told.look() in {"unchanged", "withdrawn"}
    if how == "left":
        assert outcomes(chart, kept) == ["completed", None]
    assert "requested" not in outcomes(chart, kept)
    made(ehr, order("warfarin", "11289"), kept.patient)
    made(ehr, order("ibuprofen", "5640"), kept.patient)
    assert kept.look() == "result", "what was signed is another content now"


def test_a_draft_of_the_survivor_ends_where_the_same_was_signed(
    ehr: Ehr, chart: Chart, kept: Chart
) -> None:
    chart.look()
    decide(ehr, chart.head(), "signed")
    drugs = (order("clopidogrel", "32968", mg=75), order("omeprazole", "7646", mg=20))
    hers = [made(ehr, drug, kept.patient) for drug in drugs]
    assert kept.look() == "result"
    merge(ehr, chart.patient, kept.patient)
    for reference in hers:
        chart.change(reference, status="stopped")
    assert [kept.look(), kept.look()] == ["withdrawn", "unchanged"]
    assert outcomes(chart, kept) == ["completed", "cancelled"]


def test_an_unmerge_gives_each_record_its_own_plan(ehr: Ehr, chart: Chart, kept: Chart) -> None:
    merge(ehr, chart.patient, kept.patient)
    assert chart.look() == "result"
    drawn = plan_of(kept)
    unmerge(ehr, chart.patient, kept.patient)
    assert [chart.look(), kept.look()] == ["result", "withdrawn"]
    assert outcomes(chart, kept) == ["requested", "cancelled"]
    assert stands(ehr, drawn)["status"] == "revoked"
    assert [chart.look(), kept.look()] == ["unchanged"] * 2


@pytest.mark.parametrize("denies", ["retired", "survivor"])
def test_the_denial_of_either_record_takes_the_plan_back(
    ehr: Ehr, chart: Chart, kept: Chart, denies: str
) -> None:
    chart.look()
    merge(ehr, chart.patient, kept.patient)
    chart.look()
    who = chart.patient if denies == "retired" else kept.patient
    ehr.create(consent(who, {"provision": [{"type": "deny"}]}))
    assert [chart.look(), kept.look()] == ["not_analysed", "unchanged"]
    assert outcomes(chart, kept) == ["cancelled", "rejected"]
    assert {r["status"] for r in stand(ehr, kept.head()).values() if "status" in r} <= {
        "revoked",
        "cancelled",
        "rejected",
    }


def test_links_that_contradict_each_other_draw_no_plan(ehr: Ehr, chart: Chart, kept: Chart) -> None:
    chart.look()
    say(ehr, chart.patient, link("replaced-by", kept.patient), active=False)
    say(ehr, kept.patient, link("replaced-by", chart.patient), active=False)
    assert [chart.look(), chart.look()] == ["not_analysed", "unchanged"]
    assert chart.head().task["statusReason"]["text"] == CONTRADICTION


def test_two_merges_leave_one_plan(ehr: Ehr, chart: Chart, kept: Chart) -> None:
    last = replace(chart, patient=made(ehr, patient(), PATIENT))
    merge(ehr, chart.patient, kept.patient)
    chart.look()
    merge(ehr, kept.patient, last.patient)
    assert [c.look() for c in (chart, kept, last)] == ["result", "unchanged", "unchanged"]
    assert outcomes(chart, kept, last) == [None, "cancelled", "requested"]


def test_the_events_of_two_records_draw_one_plan(ehr: Ehr, chart: Chart, kept: Chart) -> None:
    """They have different keys, so both may be taken before either is put."""
    merge(ehr, chart.patient, kept.patient)
    told = [
        ResourceEvent(chart.report, "1", "update", subject=c.patient, answer_of="genomics")
        for c in (chart, kept)
    ]
    taken = [chart.line.take(event) for event in told]
    findings = [chart.line.service.analyze([t.inputs], chart.line.model)[0] for t in taken]  # type: ignore[union-attr]
    assert chart.line.put(taken[0], findings[0]) == "result"  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        chart.line.put(taken[1], findings[1])  # type: ignore[arg-type]
    assert kept.look() == "unchanged"
    assert len(ehr.heads(Answer("treatment", kept.patient))) == 1
