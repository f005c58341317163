"""One patient's record, as the EHR and our services write it."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from services.treatment.domain import Inputs
from services.treatment.gather import read
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import UNPROVEN
from shared.fhir import codes
from shared.json import Json
from shared.terms.pharmacogenetics import GENOTYPE, PHENOTYPE

PATIENT = "Patient/p1"
TODAY = date(2026, 3, 10)
RXNORM = codes.RXNORM


class FakeRecord(Ehr):
    """An EHR's reads over resources in a dict.

    A search gives everything of the type, as servers do that ignore a parameter.
    """

    def __init__(self, *resources: Json) -> None:
        self.resources = {f"{r['resourceType']}/{r['id']}": r for r in resources}
        self.abilities = UNPROVEN

    def read(self, reference: str) -> Json | None:
        return self.resources.get(reference)

    def search(
        self, kind: str, params: Mapping[str, Any], *, subject: str | None = None
    ) -> Iterator[Json]:
        yield from (r for r in self.resources.values() if r["resourceType"] == kind)

    def head(self, answer: Any) -> None:
        return None


def inputs_of(*resources: Json) -> Inputs:
    """What gather makes of these resources and the patient among them."""
    record = FakeRecord(*resources)
    patient = record.read(PATIENT)
    assert patient is not None
    return read(patient, record, today=TODAY)


def resource(kind: str, id: str, **elements: Any) -> Json:
    subject = (
        {}
        if kind in ("Patient", "Medication")
        else {"patient" if kind == "AllergyIntolerance" else "subject": codes.reference(PATIENT)}
    )
    return {"resourceType": kind, "id": id, "meta": {"versionId": "1"}, **subject, **elements}


def patient(**elements: Any) -> Json:
    return resource("Patient", "p1", birthDate="1970-05-01", gender="female", **elements)


def ours(service: str) -> list[Json]:
    return [
        {"system": codes.RESOURCE, "value": f"urn:uuid:{service}"},
        {"system": codes.SERVICE, "value": service},
    ]


def report(
    service: str, id: str, *results: Json, status: str = "preliminary", conclusion: str = "Read."
) -> Json:
    linked = [codes.reference(f"Observation/{r['id']}") for r in results]
    code = codes.concept(codes.LOINC, "18748-4", text=f"{service} report")
    return resource(
        "DiagnosticReport",
        id,
        identifier=ours(service),
        status=status,
        code=code,
        conclusion=conclusion,
        issued="2026-01-01T00:00:00Z",
        result=linked,
    )


def genotype(gene: str, value: str, *, certain: bool = True, id: str | None = None) -> Json:
    """As genomics writes it: the text, and a code where one genotype is certain."""
    text = f"{gene} {value}"
    part = {
        "code": codes.concept(codes.LOINC, "48018-6"),
        "valueCodeableConcept": codes.concept(codes.HGNC, "HGNC:1", gene),
    }
    return resource(
        "Observation",
        id or f"gt-{gene.lower()}",
        identifier=ours("genomics"),
        status="preliminary",
        code=codes.concept(codes.LOINC, "84413-4"),
        valueCodeableConcept=(
            codes.concept(GENOTYPE, genotype_code(gene, value), text=text)
            if certain
            else {"text": text}
        ),
        component=[part],
    )


def genotype_code(gene: str, value: str) -> str:
    """The code of a certain genotype: `CYP2C9 *1/*2`, `VKORC1 -1639 AG`."""
    alleles = sorted(value.split("/"), key=lambda allele: (len(allele), allele))
    if gene == "VKORC1":
        return f"VKORC1 -1639 {''.join(allele[-1] for allele in alleles)}"
    return f"{gene} {'/'.join(alleles)}"


def phenotype_value(gene: str, phenotype: str, answer: str | None = None) -> Json:
    """As genomics writes it: LOINC's answer, CPIC's term as a code, the text."""
    term = phenotype.split(" (", maxsplit=1)[0].lower().replace(" ", "-")
    loinc = [codes.coding(codes.LOINC, answer)] if answer else []
    return {
        "coding": [*loinc, codes.coding(PHENOTYPE, term)],
        "text": f"{gene} {phenotype}",
    }


def implication(
    drug: str,
    rxnorm: str,
    gene: str,
    phenotype: str,
    *,
    answer: str | None = None,
    url: str = "https://cpicpgx.org/x",
    **elements: Any,
) -> Json:
    """A therapeutic implication as genomics writes it."""
    parts = [
        {
            "code": codes.concept(codes.LOINC, "51963-7"),
            "valueCodeableConcept": codes.concept(RXNORM, rxnorm, drug),
        },
        {
            "code": codes.concept(codes.GENOMICS_TBD, "therapeutic-implication"),
            "valueCodeableConcept": phenotype_value(gene, phenotype, answer),
        },
        {
            "code": codes.concept(codes.LOINC, "48018-6"),
            "valueCodeableConcept": codes.concept(codes.HGNC, "HGNC:1", gene),
        },
    ]
    return resource(
        "Observation",
        f"ti-{drug}",
        identifier=ours("genomics"),
        status="preliminary",
        code=codes.concept(codes.GENOMICS_TBD, "therapeutic-implication"),
        extension=[codes.citation(f"CPIC guideline for {drug} and {gene}", url)],
        derivedFrom=[codes.reference(f"Observation/gt-{gene.lower()}")],
        component=parts,
        note=[{"text": f"What CPIC says on {drug}."}],
        **elements,
    )


def mention(drug: str, rxnorm: str, time: str | None = "2026-01-05") -> Json:
    value = codes.concept(RXNORM, rxnorm, drug)
    return resource(
        "Observation",
        f"mention-{drug}",
        identifier=ours("notes"),
        status="preliminary",
        code=codes.concept(codes.LOINC, "10160-0"),
        valueCodeableConcept=value,
        **({"effectiveDateTime": time} if time else {}),
    )


def pneumonia(time: str | None = "2026-03-08") -> Json:
    return resource(
        "Observation",
        "finding",
        identifier=ours("imaging"),
        status="preliminary",
        code=codes.concept(codes.DCM, "121071", "Finding"),
        valueCodeableConcept=codes.concept(codes.SNOMED, "233604007", "Pneumonia"),
        **({"effectiveDateTime": time} if time else {}),
    )


def order(
    drug: str,
    rxnorm: str | None = None,
    *,
    id: str | None = None,
    mg: float | None = None,
    per_day: int = 1,
    **elements: Any,
) -> Json:
    """An active order; with `mg` a coded dose."""
    concept = codes.concept(RXNORM, rxnorm, drug) if rxnorm else {"text": drug}
    timing = {"repeat": {"frequency": per_day, "period": 1, "periodUnit": "d"}}
    dosage = (
        [{"timing": timing, "doseAndRate": [{"doseQuantity": codes.quantity(mg, "mg")}]}]
        if mg
        else []
    )
    return resource(
        "MedicationRequest",
        id or f"mr-{drug.split(' ', maxsplit=1)[0]}",
        **{
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": concept,
            **({"dosageInstruction": dosage} if dosage else {}),
            **elements,
        },
    )


def condition(
    code: str,
    text: str,
    *,
    id: str | None = None,
    verification: str = "confirmed",
    clinical: str = "active",
    **elements: Any,
) -> Json:
    stated = {
        "clinicalStatus": codes.concept(codes.CONDITION_CLINICAL, clinical),
        "verificationStatus": codes.concept(codes.CONDITION_VERIFICATION, verification),
        "code": codes.concept(codes.SNOMED, code, text, text),
    }
    return resource("Condition", id or f"cond-{code}", **{**stated, **elements})


def allergy(text: str, **elements: Any) -> Json:
    active = codes.concept(
        "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"
    )
    return resource(
        "AllergyIntolerance",
        f"allergy-{text.split(' ', maxsplit=1)[0]}",
        **{"clinicalStatus": active, "code": {"text": text}, **elements},
    )


def laboratory(
    loinc: str, value: float, unit: str, time: str = "2026-01-01", *, id: str | None = None
) -> Json:
    code = codes.concept(codes.LOINC, loinc)
    return resource(
        "Observation",
        id or f"lab-{loinc}",
        status="final",
        code=code,
        effectiveDateTime=time,
        valueQuantity=codes.quantity(value, unit),
    )


CLOPIDOGREL = order("clopidogrel", "32968", mg=75)
OMEPRAZOLE = order("omeprazole", "7646", mg=20)
CYP2C19 = (
    genotype("CYP2C19", "*1/*2"),
    implication("clopidogrel", "32968", "CYP2C19", "Intermediate Metabolizer", answer="LA10317-8"),
)
GENOMICS = report(
    "genomics", "gen", *CYP2C19, conclusion="CYP2C19 *1/*2: intermediate metabolizer."
)
LOOP = (patient(), GENOMICS, *CYP2C19, CLOPIDOGREL, OMEPRAZOLE)
"""The smallest record from which a plan with a dose proposal and an interaction alert is drawn."""


def rich() -> tuple[Json, ...]:
    """A record for a plan with every kind of draft."""
    statin = implication("simvastatin", "36567", "SLCO1B1", "Decreased Function")
    thiopurine = implication("azathioprine", "1256", "TPMT", "Poor Metabolizer", answer="LA9657-3")
    vkorc1, cyp2c9 = genotype("VKORC1", "-1639G/-1639A"), genotype("CYP2C9", "*1/*3")
    ibuprofen = mention("ibuprofen", "5640")
    results = (*CYP2C19, statin, thiopurine, vkorc1, cyp2c9)
    return (
        patient(),
        report("genomics", "gen", *results),
        *results,
        report("notes", "note", ibuprofen),
        ibuprofen,
        report("imaging", "img", pneumonia()),
        pneumonia(),
        {**CLOPIDOGREL, "reasonReference": [codes.reference("Condition/cond-53741008")]},
        order("omeprazole", "7646", mg=20),
        order("simvastatin", "36567", mg=40),
        order("azathioprine", "1256", mg=100),
        order("warfarin", "11289"),
        order("metformin", "6809"),
        laboratory("2160-0", 2.9, "mg/dL"),
        condition("53741008", "Coronary arteriosclerosis"),
        allergy("omeprazole"),
    )
