"""Walk: a plan replaces clopidogrel and simvastatin, of which the patient has two orders each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.fhir.heads import head_of
from shared.json import Json
from tests.browser.clinic import Clinic
from tests.browser.conftest import Site, log_in
from tests.browser.drafts import Drafts
from tests.browser.review.support import (
    SIGN,
    faults,
    local,
    open_result,
    order_each,
    said,
    sign,
    targets,
    verifications,
)
from tests.integration.review.exchanges import (
    CLOPIDOGREL,
    PLAVIX,
    SIMVASTATIN,
    ZOCOR,
    order,
    status,
)

OMEPRAZOLE = codes.concept(codes.RXNORM, "7646", "omeprazole")
NEW = {"ticagrelor": "1116632", "rosuvastatin": "301542"}


@dataclass(frozen=True)
class Ward:
    """What is ordered, and the plan that waits.

    Attributes:
        old: the orders by the name of what replaces them.
        apart: an order that no exchange touches.
    """

    old: Mapping[str, tuple[str, str]]
    apart: str
    task: str

    @property
    def all_old(self) -> list[str]:
        return [reference for pair in self.old.values() for reference in pair]


@pytest.fixture
def ward(clinic: Clinic) -> Ward:
    old = {
        "ticagrelor": (order(clinic, CLOPIDOGREL), order(clinic, PLAVIX)),
        "rosuvastatin": (order(clinic, SIMVASTATIN), order(clinic, ZOCOR)),
    }
    apart = order(clinic, OMEPRAZOLE)
    plan = both({name: pair[0] for name, pair in old.items()})
    return Ward(old, apart, clinic.result("treatment", clinic.patient, plan))


def both(priors: Mapping[str, str]) -> Drafts:
    """A plan that replaces each of these orders."""

    def drafts(pen: Pen) -> list[Draft]:
        new = [
            pen.draft(
                "MedicationRequest",
                name,
                medicationCodeableConcept=codes.concept(codes.RXNORM, NEW[name], name),
                priorPrescription=codes.reference(prior),
                dosageInstruction=[{"text": "as advised"}],
            )
            for name, prior in priors.items()
        ]
        report = pen.draft(
            "CarePlan",
            "report",
            title="Two exchanges",
            description="Ticagrelor for clopidogrel, rosuvastatin for simvastatin.",
            activity=[{"reference": draft.ref} for draft in new],
        )
        return [*new, report]

    return drafts


def test_both_drugs_are_exchanged_with_all_their_orders(page: Page, site: Site, ward: Ward) -> None:
    clinic = site.clinic
    log_in(page, site)
    open_result(page, site, ward.task)

    # before she signs she sees what each new drug ends
    for name, old in ward.old.items():
        ends = page.locator(f"{SIGN} .ends").filter(has_text=f"With {name}")
        expect(ends).to_contain_text("your signature stops:")
        expect(ends.locator("[data-order]")).to_have_count(2)
        for reference in old:
            expect(ends.locator(f"[data-order='{reference}']")).to_be_visible()
    expect(page.locator(f"[data-order='{ward.apart}']")).to_have_count(0)
    assert faults(page) == []

    order_each(page)
    sign(page, "Sign with this choice")
    expect(said(page)).to_have_text("Signed. The result is final.")
    expect(page.locator("#left")).to_have_count(0)
    expect(page.locator("aside")).to_contain_text("Stopped: ")

    # the new orders stand, the old ones are over, and the third is untouched
    written = clinic.outputs(ward.task)
    assert {key: r["status"] for key, r in written.items()} == dict.fromkeys(written, "active")
    ended = [clinic.ehr.read(reference) for reference in ward.all_old]
    assert [old and old["status"] for old in ended] == ["stopped"] * 4
    assert ended[1] and ended[1]["statusReason"]["text"] == "Replaced by ticagrelor"
    assert ended[3] and ended[3]["statusReason"]["text"] == "Replaced by rosuvastatin"
    assert status(clinic.ehr, ward.apart) == "active"

    # one signature, one transaction
    head = head_of(clinic.task(ward.task))
    for reference in (*ward.all_old, *head.outputs.values(), head.reference):
        [verified] = verifications(clinic, reference)
        assert targets(verified) == {*ward.all_old, *head.outputs.values(), head.reference}
    [audited] = [e for e in clinic.ehr.search("AuditEvent", {}) if decides(e, ward.task)]
    assert {*ward.all_old, head.reference} <= {
        local(entity["what"]["reference"]) for entity in audited["entity"]
    }


def decides(event: Json, task: str) -> bool:
    return event["action"] == "U" and f"Task/{task}" in str(event["entity"])


def test_where_orders_are_read_only_a_red_checklist_stays_until_all_are_stopped(
    page: Page, open_site: Callable[..., Site], ward: Ward
) -> None:
    site = open_site(review_orders_read_only=True)
    clinic = site.clinic
    log_in(page, site)
    open_result(page, site, ward.task)
    expect(page.locator(f"{SIGN} .ends").first).to_contain_text("does not stop these")
    order_each(page)
    sign(page, "Sign with this choice")
    expect(said(page)).to_contain_text("Signed, but NOT stopped: ")
    assert [status(clinic.ehr, r) for r in ward.all_old] == ["active"] * 4

    # the prescriber is asked, order by order
    asked = {
        local(task["focus"]["reference"]): task
        for task in clinic.ehr.search("Task", {"identifier": f"{codes.NS}/stop|{ward.task}"})
    }
    assert set(asked) == set(ward.all_old)
    for name, old in ward.old.items():
        for reference in old:
            task = asked[reference]
            assert (task["status"], task["priority"]) == ("requested", "urgent")
            assert task["code"]["text"].startswith("Stop ")
            assert task["owner"]["reference"].endswith(clinic.practitioner)
            new = f"MedicationRequest/{clinic.outputs(ward.task)[name]['id']}"
            assert [local(r["reference"]) for r in task["basedOn"]] == [new]

    # the list goes with the last order that is stopped, not before
    left = page.locator("#left")
    for count, reference in zip((4, 3, 2, 1), ward.all_old, strict=True):
        expect(left.locator("[data-order]")).to_have_count(count)
        expect(left).to_contain_text("Replaced, and still active.")
        stop(clinic, reference)
        open_result(page, site, ward.task)
    expect(page.get_by_role("heading", name="Signed")).to_be_visible()
    expect(left).to_have_count(0)


def test_the_checklist_is_red_and_can_be_read_by_all(
    page: Page, open_site: Callable[..., Site], ward: Ward
) -> None:
    site = open_site(review_orders_read_only=True)
    log_in(page, site)
    open_result(page, site, ward.task)
    order_each(page)
    sign(page, "Sign with this choice")
    left = page.locator("#left")
    expect(left).to_have_attribute("role", "alert")
    expect(left).to_have_css("color", "rgb(138, 28, 28)")
    assert faults(page) == []


def stop(clinic: Clinic, reference: str) -> None:
    """The prescriber stops an order in the EHR."""
    old = clinic.ehr.read(reference)
    assert old
    clinic.ehr.update(old | {"status": "stopped"}, old["meta"]["versionId"])
