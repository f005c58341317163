"""A result of every kind, for tests of all pages: each function makes one and returns its Task."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from tests.browser.clinic import NOTE, Clinic, a_film, care_plan, chest_film, document, fill, study
from tests.browser.drafts import Drafts, genome, note_findings
from tests.integration.review.exchanges import CLOPIDOGREL, EITHER, PLAVIX, exchange, order
from tests.integration.review.support import Visitor, accepted
from tests.merging import link, merge, say

Made = Callable[[Clinic, Visitor], str]
WADO: Final = codes.concept(codes.ENDPOINT_CONNECTION, "dicom-wado-rs")


def film(clinic: Clinic, _: Visitor) -> str:
    return a_film(clinic)


def film_of_an_archive(clinic: Clinic, _: Visitor) -> str:
    """Its study and its series name Endpoints; the archive does not answer."""
    source = study(clinic.ehr, clinic.patient)
    made = clinic.ehr.read(source)
    assert made
    endpoints = [codes.reference(endpoint(clinic)) for _ in range(2)]
    made["series"][0]["endpoint"] = endpoints[:1]
    clinic.ehr.update(made | {"endpoint": endpoints[1:]}, made["meta"]["versionId"])
    return clinic.result("imaging", source, chest_film(source))


def endpoint(clinic: Clinic) -> str:
    coding: Json = WADO["coding"][0]
    return clinic.ehr.create(
        {
            "resourceType": "Endpoint",
            "status": "active",
            "connectionType": coding,
            "payloadType": [{"text": "DICOM"}],
            "address": "http://127.0.0.1:9/dicom-web",
        }
    ).reference


def genes(clinic: Clinic, _: Visitor) -> str:
    """A report on 30 genes of a patient whose drugs are named by Medications."""
    for _drug in range(3):
        medication_order(clinic)
    source = study(clinic.ehr, clinic.patient)
    return clinic.result("genomics", source, many(genome(source)))


def many(drafts: Drafts) -> Drafts:
    """The same drafts, and 30 more Observations."""

    def more(pen: Pen) -> list[Draft]:
        code = codes.concept(codes.LOINC, "69548-6", "Genetic variant assessment")
        category = [codes.concept(codes.V2_0074, "GE")]
        added = [
            pen.draft("Observation", f"variant-{n}", issued=None, category=category, code=code)
            for n in range(30)
        ]
        return [*drafts(pen), *added]

    return more


def medication_order(clinic: Clinic, **elements: Any) -> str:
    """An order that names its drug by a Medication."""
    medication = {"resourceType": "Medication", "code": {"text": "Plavix"}}
    target = codes.reference(clinic.ehr.create(medication).reference)
    named = {"medicationCodeableConcept": None, "medicationReference": target}
    return order(clinic, {}, **named | elements)


def note(clinic: Clinic, _: Visitor) -> str:
    """Its text lies in a Binary."""
    data = base64.b64encode(NOTE.encode()).decode()
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": data}
    kind = codes.concept(codes.LOINC, "18842-5", "Discharge summary")
    source = document(clinic.ehr, clinic.patient, "text/plain", b"", kind)
    made = clinic.ehr.read(source)
    assert made
    url = clinic.ehr.create(binary).reference
    made["content"] = [{"attachment": {"contentType": "text/plain", "url": url}}]
    clinic.ehr.update(made, made["meta"]["versionId"])
    return clinic.result("notes", source, note_findings(source))


def plan(clinic: Clinic, _: Visitor) -> str:
    """It rests on three reports that nobody signed."""
    return fill(clinic)["treatment"]


def exchanged(clinic: Clinic, _: Visitor) -> str:
    """A plan that replaces one of three orders; two name Medications."""
    named = medication_order(clinic)
    medication_order(clinic)
    order(clinic, CLOPIDOGREL)
    return clinic.result("treatment", clinic.patient, exchange(EITHER, named))


def left_orders(clinic: Clinic, doctor: Visitor) -> str:
    """A signed plan whose old orders are left to their prescribers."""
    named = medication_order(clinic)
    both = codes.concept(codes.RXNORM, "32968", "clopidogrel / aspirin")
    order(clinic, both)
    task = clinic.result("treatment", clinic.patient, exchange(EITHER[:1], named))
    page = doctor.get(f"/results/{task}")
    said = page.split('name="orders" value="')[1].split('"')[0]
    signed = doctor.decide(task, "sign", reviewed="yes", orders=said, **accepted("ticagrelor"))
    assert signed.status_code == 303, signed.text
    return task


def replaced(clinic: Clinic, _: Visitor) -> str:
    """A film on a record that was merged into another one."""
    task = a_film(clinic)
    merge(clinic.ehr, clinic.patient, somebody(clinic))
    return task


def survivor(clinic: Clinic, _: Visitor) -> str:
    """A plan on the record that is left of two, with an order under the other one."""
    other = somebody(clinic)
    order(clinic, PLAVIX, subject=codes.reference(other))
    named = order(clinic, CLOPIDOGREL)
    merge(clinic.ehr, other, clinic.patient)
    return clinic.result("treatment", clinic.patient, exchange(EITHER, named))


def chain(clinic: Clinic, _: Visitor) -> str:
    """A film on the first of three records that were merged one after the other."""
    task, second, third = a_film(clinic), somebody(clinic), somebody(clinic)
    say(clinic.ehr, clinic.patient, link("replaced-by", second), active=False)
    say(clinic.ehr, second, link("replaced-by", third), active=False)
    return task


def alike(clinic: Clinic, _: Visitor) -> str:
    """A film of a patient whose record is linked with others that are in use."""
    task, other = a_film(clinic), somebody(clinic)
    say(clinic.ehr, other, link("replaced-by", clinic.patient), active=True)
    say(clinic.ehr, clinic.patient, link("seealso", other), active=True)
    return task


def somebody(clinic: Clinic) -> str:
    named = [{"family": "Andersen", "given": ["Karla"]}]
    return clinic.ehr.create({"resourceType": "Patient", "name": named}).reference


def deceased(clinic: Clinic, _: Visitor) -> str:
    task, known = a_film(clinic), clinic.ehr.read(clinic.patient)
    assert known
    clinic.ehr.update(known | {"deceasedDateTime": "2026-05-01"}, known["meta"]["versionId"])
    for drug in ("penicillin", "latex"):
        clinic.ehr.create(
            {
                "resourceType": "AllergyIntolerance",
                "patient": codes.reference(clinic.patient),
                "code": {"text": drug},
            }
        )
    return task


def signed(clinic: Clinic, doctor: Visitor) -> str:
    task = a_film(clinic)
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 303
    return task


def ordered_already(clinic: Clinic, _: Visitor) -> str:
    """A plan that replaces nothing, beside orders of its drug that name Medications."""
    pointers = [{"display": "Brilinta 90 mg"}, {"display": "ticagrelor"}, {}]
    for pointer in pointers:
        medication = {"resourceType": "Medication", "code": {"text": "Brilinta"}}
        reference = codes.reference(clinic.ehr.create(medication).reference) | pointer
        order(clinic, {}, medicationCodeableConcept=None, medicationReference=reference)
    return clinic.result("treatment", clinic.patient, care_plan([]))


def amended(clinic: Clinic, doctor: Visitor) -> str:
    task = a_film(clinic)
    form = {"text": "No opacity.", "part-pneumonia": "refute", "reviewed": "yes"}
    assert doctor.decide(task, "amend", **form).status_code == 303
    return task


def rejected(clinic: Clinic, doctor: Visitor) -> str:
    task = a_film(clinic)
    assert doctor.decide(task, "reject", reason="filed twice").status_code == 303
    return task


def decided_elsewhere(clinic: Clinic, _: Visitor) -> str:
    task = a_film(clinic)
    report = clinic.outputs(task)["report"]
    clinic.ehr.update(report | {"status": "final"}, report["meta"]["versionId"])
    return task


def not_analysed(clinic: Clinic, _: Visitor) -> str:
    """A head without a result."""
    task = a_film(clinic)
    head = {k: v for k, v in clinic.task(task).items() if k not in ("output", "priority")}
    head |= {"status": "rejected", "statusReason": {"text": "The film is of a hand."}}
    clinic.ehr.update(head, head["meta"]["versionId"])
    return task


def foreign(clinic: Clinic, _: Visitor) -> str:
    """One part belongs to somebody else."""
    task = a_film(clinic)
    finding = clinic.outputs(task)["pneumonia"]
    subject = {"subject": codes.reference(somebody(clinic))}
    clinic.ehr.update(finding | subject, finding["meta"]["versionId"])
    return task


KINDS: Final[Mapping[str, Made]] = {
    made.__name__.replace("_", " "): made
    for made in (
        film,
        film_of_an_archive,
        genes,
        note,
        plan,
        exchanged,
        ordered_already,
        left_orders,
        replaced,
        survivor,
        chain,
        alike,
        deceased,
        signed,
        amended,
        rejected,
        decided_elsewhere,
        not_analysed,
        foreign,
    )
}
