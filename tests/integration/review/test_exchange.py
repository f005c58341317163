"""Review: the exchange of a drug is one decision, the new order and the end of all old ones."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.fhir import codes
from shared.json import Json
from tests.browser.clinic import Clinic
from tests.integration.review.exchanges import (
    CLOPIDOGREL,
    EITHER,
    ORDERED,
    PLAVIX,
    ROSUVASTATIN,
    SIMVASTATIN,
    TICAGRELOR,
    ZOCOR,
    decide,
    exchange,
    order,
    panel,
    status,
)
from tests.integration.review.support import Visitor, declined


@pytest.mark.parametrize(
    ("first", "second", "new"),
    [(CLOPIDOGREL, PLAVIX, TICAGRELOR), (ZOCOR, SIMVASTATIN, ROSUVASTATIN)],
    ids=["clopidogrel", "simvastatin"],
)
def test_all_orders_of_the_old_drug_end_with_the_new_one(
    doctor: Visitor, clinic: Clinic, first: Json, second: Json, new: list[tuple[str, str]]
) -> None:
    named, other = order(clinic, first), order(clinic, second, status="on-hold")
    apart = order(clinic, codes.concept(codes.RXNORM, "7646", "omeprazole"))
    ended = order(clinic, first, status="stopped")
    task = clinic.result("treatment", clinic.patient, exchange(new, named))
    said = panel(doctor, task)
    assert named in said and other in said and apart not in said and ended not in said

    assert decide(doctor, task).status_code == 303
    assert [status(clinic.ehr, r) for r in (named, other, apart, ended)] == [
        "stopped",
        "stopped",
        "active",
        "stopped",
    ]
    written = clinic.outputs(task)[new[0][1]]
    assert written["status"] == "active" and written["priorPrescription"]["reference"].endswith(
        named
    )
    old = clinic.ehr.read(other)
    assert old and old["statusReason"]["text"] == f"Replaced by {new[0][1]}"
    assert old["dosageInstruction"] and old["meta"]["tag"][0]["code"] == "4B"
    provenance = clinic.ehr.search("Provenance", {"target": named})
    assert [p["agent"][0]["who"]["reference"] for p in provenance] == [clinic.practitioner]
    assert "Stopped: " in clinic.task(task)["note"][0]["text"]
    assert 'id="left"' not in doctor.get(f"/results/{task}")


def test_only_the_chosen_alternative_ends_orders(doctor: Visitor, clinic: Clinic) -> None:
    named = order(clinic, CLOPIDOGREL)
    task = clinic.result("treatment", clinic.patient, exchange(EITHER, named))
    assert decide(doctor, task, **{"choice-choice/0": "none"}).status_code == 303
    assert status(clinic.ehr, named) == "active"


def test_the_alternative_that_is_chosen_names_the_reason(doctor: Visitor, clinic: Clinic) -> None:
    named = order(clinic, CLOPIDOGREL)
    task = clinic.result("treatment", clinic.patient, exchange(EITHER, named))
    assert decide(doctor, task, **{"choice-choice/0": "choice/0/1"}).status_code == 303
    old = clinic.ehr.read(named)
    assert old and (old["status"], old["statusReason"]["text"]) == (
        "stopped",
        "Replaced by prasugrel",
    )


@pytest.mark.parametrize("action", ["reject", "leave"])
def test_what_is_not_accepted_ends_nothing(doctor: Visitor, clinic: Clinic, action: str) -> None:
    named = order(clinic, CLOPIDOGREL)
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    if action == "reject":
        assert decide(doctor, task, "reject", reason="No").status_code == 303
    else:
        form = {"text": "It goes on as before."} | declined("ticagrelor")
        assert decide(doctor, task, "amend", **form).status_code == 303
    assert status(clinic.ehr, named) == "active"


def test_an_amendment_that_keeps_the_new_order_ends_the_old_one(
    doctor: Visitor, clinic: Clinic
) -> None:
    named = order(clinic, CLOPIDOGREL)
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    text = "Ticagrelor from today."
    assert decide(doctor, task, "amend", text=text).status_code == 303
    assert status(clinic.ehr, named) == "stopped"


@pytest.mark.parametrize("which", ["named", "other"])
@pytest.mark.parametrize("change", [{"status": "stopped"}, {"note": [{"text": "Half a tablet."}]}])
def test_nothing_is_saved_when_an_old_order_was_changed_meanwhile(
    doctor: Visitor, clinic: Clinic, which: str, change: Json
) -> None:
    orders = {"named": order(clinic, CLOPIDOGREL), "other": order(clinic, PLAVIX)}
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, orders["named"]))
    page = doctor.get(f"/results/{task}")
    stamp, said = (
        re.search(rf'name="{name}" value="([0-9a-f]+)"', page) for name in ("stamp", "orders")
    )
    assert stamp and said
    old = clinic.ehr.read(orders[which])
    assert old
    clinic.ehr.update(old | change, old["meta"]["versionId"])
    late = doctor.post(
        f"/results/{task}/decision",
        stamp=stamp[1],
        orders=said[1],
        action="sign",
        reviewed="yes",
        **ORDERED,
    )
    assert late.status_code == 409 and clinic.task(task)["status"] == "requested"
    assert clinic.outputs(task)["ticagrelor"]["status"] == "draft"
    untouched = next(ref for name, ref in orders.items() if name != which)
    assert status(clinic.ehr, untouched) == "active"


def test_an_order_that_was_made_meanwhile_is_not_passed_over(
    doctor: Visitor, clinic: Clinic
) -> None:
    named = order(clinic, CLOPIDOGREL)
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    page = doctor.get(f"/results/{task}")
    said = re.search(r'name="orders" value="([0-9a-f]+)"', page)
    assert said
    order(clinic, PLAVIX)
    assert decide(doctor, task, orders=said[1]).status_code == 409
    assert status(clinic.ehr, named) == "active"


def test_a_write_between_the_look_and_the_signature_wins(
    doctor: Visitor, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, transact = order(clinic, CLOPIDOGREL), clinic.ehr.transact
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))

    def slow(transaction: Json) -> Any:
        old = clinic.ehr.read(named)
        assert old
        clinic.ehr.update(old | {"note": [{"text": "Same second."}]}, old["meta"]["versionId"])
        return transact(transaction)

    monkeypatch.setattr(clinic.ehr, "transact", slow)
    assert decide(doctor, task).status_code == 409
    assert status(clinic.ehr, named) == "active"
    assert clinic.outputs(task)["ticagrelor"]["status"] == "draft"


def stops(clinic: Clinic, task: str) -> list[Json]:
    return list(clinic.ehr.search("Task", {"identifier": f"{codes.NS}/stop|{task}"}))


def test_where_orders_are_read_only_the_prescriber_is_asked_and_the_list_stays(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    doctor = visit(review_orders_read_only=True)
    doctor.log_in()
    named, other = order(clinic, CLOPIDOGREL), order(clinic, PLAVIX, requester=None)
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    assert "does <strong>not</strong> stop these" in panel(doctor, task)
    assert decide(doctor, task).status_code == 303
    assert clinic.outputs(task)["ticagrelor"]["status"] == "active"

    asked = {t["focus"]["reference"].split("/fhir/")[-1]: t for t in stops(clinic, task)}
    assert set(asked) == {named, other}
    one = asked[named]
    assert (one["status"], one["intent"], one["priority"]) == ("requested", "order", "urgent")
    assert one["owner"]["reference"].endswith(clinic.practitioner) and "owner" not in asked[other]
    assert one["code"]["text"] == "Stop clopidogrel"
    assert one["for"]["reference"].endswith(clinic.patient)

    for left, still in ((named, other), (other, "")):
        page = doctor.get(f"/results/{task}")
        assert 'id="left"' in page and left in page.split('id="left"')[1].split("</ul>")[0]
        old = clinic.ehr.read(left)
        assert old
        clinic.ehr.update(old | {"status": "stopped"}, old["meta"]["versionId"])
        assert ('id="left"' in doctor.get(f"/results/{task}")) == bool(still)


def test_a_combination_is_left_to_the_prescriber(doctor: Visitor, clinic: Clinic) -> None:
    named = order(clinic, SIMVASTATIN)
    both = order(clinic, {"text": "ezetimibe 10 MG / simvastatin 40 MG Oral Tablet"})
    task = clinic.result("treatment", clinic.patient, exchange(ROSUVASTATIN, named))
    assert "it holds other drugs, too" in panel(doctor, task)
    assert decide(doctor, task).status_code == 303
    assert (status(clinic.ehr, named), status(clinic.ehr, both)) == ("stopped", "active")
    assert "still active" in doctor.get(f"/results/{task}")
    assert [t["focus"]["reference"].split("/fhir/")[-1] for t in stops(clinic, task)] == [both]


def test_what_the_plan_alone_calls_the_same_drug_is_left_to_the_prescriber(
    doctor: Visitor, clinic: Clinic
) -> None:
    named = order(clinic, CLOPIDOGREL)
    product = order(clinic, codes.concept("http://hospital.example/drugs", "309362"))
    plan = exchange(TICAGRELOR, named, [product])
    task = clinic.result("treatment", clinic.patient, plan)
    assert decide(doctor, task).status_code == 303
    assert (status(clinic.ehr, named), status(clinic.ehr, product)) == ("stopped", "active")
    assert [t["focus"]["reference"].split("/fhir/")[-1] for t in stops(clinic, task)] == [product]


def test_the_drug_of_a_contained_and_of_a_referenced_medication_is_read(
    doctor: Visitor, clinic: Clinic
) -> None:
    named = order(clinic, CLOPIDOGREL)
    medication = {"resourceType": "Medication", "code": {"text": "Plavix"}}
    reference = clinic.ehr.create(medication).reference
    others = [
        order(
            clinic,
            {},
            medicationCodeableConcept=None,
            medicationReference={"reference": target},
            contained=[medication | {"id": "m"}] if target == "#m" else None,
        )
        for target in ("#m", reference)
    ]
    nothing = order(clinic, {}, medicationCodeableConcept={"text": "75"})
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    assert "Not recognised: <strong>75</strong>" in panel(doctor, task)
    assert decide(doctor, task).status_code == 303
    assert [status(clinic.ehr, r) for r in (*others, nothing)] == ["stopped", "stopped", "active"]
