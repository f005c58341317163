"""Review: a proposal that stands alone is ordered only with a yes."""

import re

import pytest

from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from tests.browser.clinic import Clinic, care_plan, chest_film, study
from tests.browser.drafts import Drafts
from tests.integration.review.exchanges import CLOPIDOGREL, TICAGRELOR, exchange, order
from tests.integration.review.support import Visitor, accepted, declined, fates


@pytest.mark.parametrize("action", ["sign", "amend"])
def test_a_proposal_that_stands_alone_is_ordered_only_with_a_yes(
    doctor: Visitor, clinic: Clinic, action: str
) -> None:
    task = clinic.result(
        "treatment", clinic.patient, exchange(TICAGRELOR, order(clinic, CLOPIDOGREL))
    )
    page = doctor.get(f"/results/{task}")
    assert page.count('value="ticagrelor/0" required') == 2 and not re.search(
        r'type="radio"[^>]* checked', page
    ), "nothing is chosen beforehand"
    assert page.count("<legend>ticagrelor as advised</legend>") == 2
    said = re.search(r'name="orders" value="([0-9a-f]+)"', page)
    assert said
    form = {"reviewed": "yes", "orders": said[1], "text": "As before."}
    for answer in ({}, {"choice-ticagrelor": ""}, {"choice-ticagrelor": "ticagrelor/1"}):
        refused = doctor.decide(task, action, **form, **answer)
        assert refused.status_code == 400
        assert "Choose whether to order: ticagrelor as advised. Nothing was saved." in refused.text
    assert clinic.outputs(task)["ticagrelor"]["status"] == "draft"

    assert doctor.decide(task, action, **form, **declined("ticagrelor")).status_code == 303
    written = clinic.outputs(task)
    assert (written["ticagrelor"]["status"], written["report"]["status"]) == ("cancelled", "active")
    words = "Not ordered: ticagrelor as advised."
    assert clinic.task(task)["note"][0]["text"] == words
    assert words in doctor.get(f"/results/{task}")


def test_each_proposal_that_stands_alone_is_asked_for_beside_a_choice(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    chosen = {"choice-choice/0": "choice/0/1"}
    refused = doctor.decide(task, "sign", reviewed="yes", **chosen)
    assert refused.status_code == 400
    assert "Choose whether to order: Cardiac rehabilitation. Nothing" in refused.text
    assert re.search(r'id="sign-choice/0/1"[^>]* checked', refused.text), "what was said is kept"
    form = chosen | declined("rehabilitation")
    assert doctor.decide(task, "sign", reviewed="yes", **form).status_code == 303
    assert clinic.outputs(task)["rehabilitation"]["status"] == "revoked"


def test_a_proposal_that_was_ordered_elsewhere_is_not_asked_for(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    request = clinic.outputs(task)["rehabilitation"]
    clinic.ehr.update(request | {"status": "active"}, request["meta"]["versionId"])
    assert "choice-rehabilitation" not in doctor.get(f"/results/{task}")
    form = {"reviewed": "yes", "choice-choice/0": "none"}
    assert doctor.decide(task, "sign", **form).status_code == 303
    assert clinic.outputs(task)["rehabilitation"]["status"] == "active"


def with_an_order(source: str) -> Drafts:
    """A film whose report proposes a drug because of its finding."""

    def drafts(pen: Pen) -> list[Draft]:
        finding, *others = chest_film(source)(pen)
        drug = pen.draft(
            "MedicationRequest",
            "amoxicillin",
            medicationCodeableConcept=codes.concept(codes.RXNORM, "723", "amoxicillin"),
            reasonReference=[finding.ref],
        )
        return [finding, drug, *others]

    return drafts


def test_nothing_is_ordered_because_of_a_finding_that_is_refuted(
    doctor: Visitor, clinic: Clinic
) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("imaging", source, with_an_order(source))
    form = {"reviewed": "yes", "text": "Masses."} | fates(refute=["pneumonia"])
    refused = doctor.decide(task, "amend", **form, **accepted("amoxicillin"))
    assert refused.status_code == 400
    assert "something that you don&#39;t confirm: amoxicillin. Nothing was saved" in refused.text
    assert doctor.decide(task, "amend", **form, **declined("amoxicillin")).status_code == 303
    assert clinic.outputs(task)["amoxicillin"]["status"] == "cancelled"


def test_an_order_is_not_asked_for_where_its_finding_was_taken_back_elsewhere(
    doctor: Visitor, clinic: Clinic
) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("imaging", source, with_an_order(source))
    finding = clinic.outputs(task)["pneumonia"]
    clinic.ehr.update(finding | {"status": "cancelled"}, finding["meta"]["versionId"])
    page = doctor.get(f"/results/{task}")
    assert "not accepted either: amoxicillin" in page and "choice-amoxicillin" not in page
    form = {"reviewed": "yes", "text": "Masses."} | accepted("amoxicillin")
    assert doctor.decide(task, "amend", **form).status_code == 303
    assert clinic.outputs(task)["amoxicillin"]["status"] == "cancelled"
    assert "Ordered" not in str(clinic.task(task).get("note"))
