"""How old an input of a rule may be: what is too old is listed, what has no date is said."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.treatment.analyze import find
from services.treatment.gather import gather
from services.treatment.model import load_rules
from services.treatment.resources import resources
from services.treatment.rules.ages import MaxAge
from shared.events import ResourceEvent
from shared.fhir.times.clinical import clinical_time
from shared.json import Json
from shared.settings import load_settings
from tests.unit.treatment_answer import PEN, alert, drawn, findings, rules_of
from tests.unit.treatment_record import (
    CYP2C19,
    GENOMICS,
    LOOP,
    PATIENT,
    TODAY,
    FakeRecord,
    allergy,
    inputs_of,
    laboratory,
    mention,
    order,
    patient,
    pneumonia,
    report,
)

METFORMIN, WARFARIN = order("metformin", "6809"), order("warfarin", "11289")
LISINOPRIL = order("lisinopril", "29046")
EGFR = ("98979-8", 20, "mL/min/{1.73_m2}")
INR = ("6301-6", 6, "{INR}")
POTASSIUM = ("2823-3", 6.1, "mmol/L")


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def film(time: str | None) -> tuple[Json, ...]:
    finding = pneumonia(time)
    return (patient(), report("imaging", "img", finding), finding)


def note(time: str | None) -> tuple[Json, ...]:
    drug = mention("clopidogrel", "32968", time)
    return (patient(), report("notes", "n", drug), drug, order("omeprazole", "7646"))


@pytest.mark.parametrize(
    ("drug", "value", "rule", "days"),
    [
        (METFORMIN, EGFR, "metformin-egfr-30", 365),
        (METFORMIN, ("98979-8", 40, "mL/min"), "metformin-egfr-45", 365),
        (WARFARIN, INR, "warfarin-inr", 7),
        (LISINOPRIL, POTASSIUM, "raas-potassium-high", 14),
    ],
)
def test_a_value_that_is_too_old_is_listed_and_not_used(
    drug: Json, value: Any, rule: str, days: int
) -> None:
    assert rule in rules_of(findings(patient(), drug, laboratory(*value, time=ago(days))))
    old = findings(patient(), drug, laboratory(*value, time=ago(days + 1)))
    assert rules_of(old) == set() and not old.silent, "a plan says that a rule would have spoken"
    assert {(s.rule, s.time) for s in old.stale} >= {(rule, ago(days + 1))}
    plan = drawn(patient(), drug, laboratory(*value, time=ago(days + 1)))["report"].resource
    assert f"({ago(days + 1)})" in plan["description"]
    assert any("too old" in n["text"] and f"{days} days" in n["text"] for n in plan["note"])


def test_an_old_value_within_its_limit_makes_no_plan_of_its_own() -> None:
    old = findings(patient(), METFORMIN, laboratory("98979-8", 90, "mL/min", time="2019"))
    assert old.silent and [s.name for s in old.stale] == ["eGFR 90", "eGFR 90"]


def test_a_newer_creatinine_stands_for_an_old_egfr() -> None:
    found = findings(
        patient(), METFORMIN, laboratory(*EGFR, time="2019"), laboratory("2160-0", 3.0, "mg/dL")
    )
    assert "metformin-egfr-30" in rules_of(found) and found.stale == ()


def test_an_old_film_asks_for_no_assessment_and_is_named() -> None:
    (asked,) = findings(*film(ago(14))).follow_ups
    assert f"Film of {ago(14)}." in asked.why
    old = findings(*film("2004-08-26"))
    assert old.follow_ups == ()
    assert [(s.name, s.time, s.rule) for s in old.stale] == [
        ("Pneumonia", "2004-08-26", "pneumonia-without-antibiotic")
    ]
    plan = drawn(*film("2004-08-26"))["report"].resource
    assert "Not used, because too old: Pneumonia (2004-08-26)." in plan["description"]
    assert findings(*film("2004-08-26"), order("amoxicillin", "723")).stale == ()


def test_an_old_mention_counts_for_no_rule_and_is_named() -> None:
    assert rules_of(findings(*note(ago(365)))) == {"clopidogrel-omeprazole"}
    old = findings(*note(ago(366)))
    assert rules_of(old) == set()
    assert [(s.name, s.time) for s in old.stale] == [("clopidogrel, mentioned in a note", ago(366))]
    ordered = findings(*note("2019"), order("clopidogrel", "32968"))
    assert rules_of(ordered) == {"clopidogrel-omeprazole"} and ordered.stale == ()


def test_what_has_no_date_is_used_and_said_to_be_of_unknown_age() -> None:
    bare = {k: v for k, v in laboratory(*EGFR).items() if k != "effectiveDateTime"}
    found = findings(patient(), METFORMIN, bare)
    assert "eGFR 20, of unknown age" in alert(found, "metformin-egfr-30").detail
    (asked,) = findings(*film(None)).follow_ups
    assert any("of unknown age" in why for why in asked.why)
    mentioned = alert(findings(*note(None)), "clopidogrel-omeprazole")
    assert "clopidogrel (mentioned in a note of unknown age" in mentioned.detail
    assert all(f.stale == () for f in (found, findings(*film(None)), findings(*note(None))))


def test_a_dated_value_counts_before_one_without_a_date() -> None:
    bare = {k: v for k, v in laboratory(*EGFR, id="bare").items() if k != "effectiveDateTime"}
    fine = laboratory("98979-8", 90, "mL/min", time=ago(10))
    assert rules_of(findings(patient(), METFORMIN, bare, fine)) == set()


@pytest.mark.parametrize(
    ("time", "age"),
    [
        (ago(0), "fresh"),
        (ago(30), "fresh"),
        (ago(31), "stale"),
        (f"{ago(31)}T23:59:59Z", "stale"),
        ("2026-03", "fresh"),
        ("2026-02", "unknown"),
        ("2026-01", "stale"),
        ("2026", "unknown"),
        ("2025", "stale"),
        ("2025-12", "stale"),
        (ago(-1), "fresh"),
        (ago(-2), "unknown"),
        ("2099", "unknown"),
        ("", "unknown"),
        ("last week", "unknown"),
    ],
)
def test_a_month_or_a_year_may_lie_on_either_side(time: str, age: str) -> None:
    assert MaxAge(30, "x").of(time, TODAY) == age
    assert MaxAge(None, "x").of(time, TODAY) == "fresh"


def test_genotypes_orders_and_allergies_do_not_age() -> None:
    old = {"effectiveDateTime": "1999-01-01"}
    genes = tuple({**r, **old} for r in CYP2C19)
    drug = order("clopidogrel", "32968", authoredOn="1999-01-01")
    penicillin = allergy("penicillin", recordedDate="1970")
    amoxicillin = order("amoxicillin", "723", authoredOn="1999-01-01")
    found = findings(patient(), GENOMICS, *genes, drug, penicillin, amoxicillin)
    assert {"cyp2c19-clopidogrel", "allergy-penicillin"} <= rules_of(found)
    assert found.stale == ()


def test_every_limit_names_its_source_or_says_that_it_is_ours() -> None:
    ages = load_rules().ages
    for name, limit in (ages.inputs | ages.rules).items():
        ours = limit.reason.startswith("Engineering default")
        assert limit.days is None or bool(limit.citation) != ours, name


def test_a_plan_is_as_old_as_the_newest_thing_that_it_was_drawn_from() -> None:
    record = (*film("2004-08-26"), order("metformin", "6809", authoredOn="2026-02-01"))
    assert inputs_of(*record).effective == "2026-02-01"
    assert inputs_of(*film("2004-08-26")).effective == "2004-08-26"
    assert inputs_of(*film(None)).effective is None


def test_the_plan_keeps_that_time() -> None:
    inputs = inputs_of(*film("2004-08-26"))
    drafts = resources(inputs, find(inputs, load_rules()), replace(PEN, effective="2004-08-26"))
    plan = next(d.resource for d in drafts if d.key == "report")
    assert clinical_time(plan) == "2004-08-26"


def test_the_same_words_in_a_newer_note_are_another_content() -> None:
    old, new = (inputs_of(*note(time)).content for time in ("2019-03-01", ago(1)))
    assert old != new
    film_of_old, film_of_new = (inputs_of(*film(t)).content for t in ("2004-08-26", ago(1)))
    assert film_of_old != film_of_new
    written_by_an_older_careloop = {
        **pneumonia(None),
        "effectiveDateTime": "2026-01-01T00:00:00Z",
        "issued": "2026-01-01T00:00:00Z",
    }
    before = inputs_of(*film(None)).content
    assert inputs_of(film(None)[0], film(None)[1], written_by_an_older_careloop).content == before


def test_ages_are_counted_to_the_hospitals_today() -> None:
    event = ResourceEvent("MedicationRequest/1", "1", "create", subject=PATIENT)
    days = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # 25 hours apart
        inputs = gather(event, FakeRecord(*LOOP), load_settings(timezone=zone))
        assert inputs is not None
        days.append(inputs.today)
    assert days[0] > days[1]
