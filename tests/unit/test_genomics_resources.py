"""The report's shape (HL7 Genomics Reporting 3.0.0), as others read it."""

import json
from collections.abc import Sequence

import pytest

from services.genomics.analyze import analyze
from services.genomics.domain import Findings, Inputs
from services.genomics.model import rules
from services.genomics.pgx.tables import load_tables
from services.genomics.resources import resources
from services.genomics.service import SERVICE
from services.genomics.vcf.reader import read_vcf
from services.treatment.record import genetics
from shared.answers import Answer
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from tests.unit.genomics_vcf import DEMO, vcf

PEN = Pen(
    Answer("genomics", "DocumentReference/1"),
    1,
    "Patient/1",
    "2026-01-01T00:00:00Z",
    {"pgx-star-alleles": "Device/1"},
    {"pgx-star-alleles": "Genomics"},
)


def drafts(raw: bytes) -> Sequence[Draft]:
    read = read_vcf(raw, load_tables())
    inputs = Inputs("Patient/1", read.digest, {}, read.records)
    [found] = analyze([inputs], rules())
    assert isinstance(found, Findings)
    return resources(inputs, found, PEN)


@pytest.fixture(scope="module")
def demo() -> dict[str, Json]:
    made = drafts(DEMO.read_bytes())
    assert len({d.key for d in made}) == len(made)
    return {d.key: d.resource | {"id": d.key} for d in made}


def parts(resource: Json, code: str) -> list[Json]:
    return [
        c for c in resource["component"] if c["code"].get("coding", [{}])[0].get("code") == code
    ]


def test_the_demo_patient_is_a_poor_metabolizer_who_takes_clopidogrel(
    demo: dict[str, Json],
) -> None:
    advice = demo["implication-clopidogrel"]
    [drug] = parts(advice, "51963-7")
    [phenotype] = parts(advice, "therapeutic-implication")
    [gene] = parts(advice, "48018-6")
    assert codes.has_code(drug["valueCodeableConcept"], codes.RXNORM, "32968")
    assert codes.has_code(phenotype["valueCodeableConcept"], codes.LOINC, "LA9657-3")
    assert codes.has_code(gene["valueCodeableConcept"], codes.HGNC, "HGNC:2621")
    assert advice["note"][0]["text"].startswith("Avoid standard dose (75 mg/day) clopidogrel")
    assert (
        advice["extension"][0]["valueRelatedArtifact"]["url"]
        == "https://cpicpgx.org/guidelines/guideline-for-clopidogrel-and-cyp2c19/"
    )
    assert (
        codes.first_code(
            advice["interpretation"],
            "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
        )
        == "A"
    )
    assert "value" not in "".join(advice)


def test_treatment_understands_what_is_written(demo: dict[str, Json]) -> None:
    read = genetics.implication(demo["implication-simvastatin"], "DiagnosticReport/1")
    assert read is not None
    assert (read.drug, read.genes, read.phenotypes, read.remarkable) == (
        "36567",
        ("SLCO1B1",),
        ("decreased function",),
        True,
    )
    normal = genetics.implication(demo["implication-warfarin"], "DiagnosticReport/1")
    assert normal is not None
    assert (set(normal.genes), normal.remarkable) == ({"CYP2C9", "VKORC1"}, False)
    genotype = genetics.genotype(demo["genotype-cyp2c19"], "DiagnosticReport/1")
    assert genotype is not None
    assert (genotype.gene, genotype.value) == ("CYP2C19", "CYP2C19 *2/*2")


def test_the_gene_that_departs_from_normal_is_named_first() -> None:
    lines = (
        "chr13 48045719 . C T . PASS . GT 0/1",
        *(f"chr6 {p} . {r} {a} . PASS . GT 0/0" for p, r, a in TPMT),
    )
    made = {d.key: d.resource for d in drafts(vcf(*lines))}
    first, second = parts(made["implication-azathioprine"], "therapeutic-implication")
    assert "NUDT15 Intermediate" in first["valueCodeableConcept"]["text"]
    assert "TPMT Normal" in second["valueCodeableConcept"]["text"]


TPMT = [(18143724, "C", "G"), (18138997, "C", "T"), (18130687, "T", "C")]


def test_a_variant_says_where_it_lies(demo: dict[str, Json]) -> None:
    variant = demo["variant-cyp2c19-94781859-g-a"]
    [hgvs] = parts(variant, "81290-9")
    assert (
        codes.first_code(hgvs["valueCodeableConcept"], "http://varnomen.hgvs.org")
        == "NC_000010.11:g.94781859G>A"
    )
    [state] = parts(variant, "53034-5")
    assert codes.first_code(state["valueCodeableConcept"], codes.LOINC) == "LA6705-3"
    [dbsnp] = parts(variant, "81252-9")
    assert (
        codes.first_code(dbsnp["valueCodeableConcept"], "http://www.ncbi.nlm.nih.gov/projects/SNP")
        == "rs4244285"
    )


def test_each_observation_rests_on_another_down_to_the_variants(demo: dict[str, Json]) -> None:
    uuids = {d["identifier"][0]["value"]: key for key, d in demo.items()}
    rests = {
        key: [uuids[r["reference"]] for r in d.get("derivedFrom", [])] for key, d in demo.items()
    }
    assert rests["implication-clopidogrel"] == ["genotype-cyp2c19"]
    assert rests["genotype-cyp2c19"] == ["haplotype-cyp2c19-2"]
    assert set(rests["haplotype-cyp2c19-2"]) == {
        "variant-cyp2c19-94775367-a-g",
        "variant-cyp2c19-94781859-g-a",
    }
    assert all(rests[key] for key in demo if key.startswith("implication"))
    assert len(demo["report"]["result"]) == len(demo) - 1


def test_the_report_is_small(demo: dict[str, Json]) -> None:
    assert len(json.dumps(list(demo.values()))) < 200_000


def test_only_reference_alleles_give_no_variant_and_no_haplotype(demo: dict[str, Json]) -> None:
    assert {k.split("-")[1] for k in demo if k.startswith(("variant", "haplotype"))} == {
        "cyp2c19",
        "slco1b1",
    }


def test_an_uncertain_genotype_is_not_coded_and_lists_every_candidate() -> None:
    lines = ["chr10 94761900 . C T . PASS . GT 0/1", "chr10 94762706 . A G . PASS . GT 0/1"]
    made = {d.key: d.resource for d in drafts(vcf(*lines))}
    value = made["genotype-cyp2c19"]["valueCodeableConcept"]
    assert value == {"text": "CYP2C19 *1/*4 or *4/*17 (*2, *3 not tested)"}
    assert not [k for k in made if k.startswith("haplotype")]
    assert "implication-clopidogrel" not in made
    assert (
        "Intermediate Metabolizer or Poor Metabolizer"
        in made["implication-omeprazole"]["component"][1]["valueCodeableConcept"]["text"]
    )  # the same advice
    assert "can't tell" in made["genotype-cyp2c19"]["note"][0]["text"]
    assert "Not in the file: CYP2C9" in made["report"]["conclusion"]


def test_a_gene_that_could_not_be_called_has_its_reason_and_no_genotype() -> None:
    made = {
        d.key: d.resource
        for d in drafts(
            vcf("chr10 94781859 . G C . PASS . GT 0/1", "chr16 31096368 . C T . PASS . GT 0/1")
        )
    }
    assert "genotype-cyp2c19" not in made
    assert (
        "CYP2C19: not called, an allele that the table does not hold at chr10:94781859"
        in made["report"]["conclusion"]
    )
    assert (
        made["genotype-vkorc1"]["valueCodeableConcept"]["text"]
        == "VKORC1 rs9923231 C/T (-1639G/-1639A)"
    )


def test_the_conclusion_states_the_limits(demo: dict[str, Json]) -> None:
    said = demo["report"]["conclusion"]
    assert "CYP2D6" in said
    assert "not a validated laboratory assay" in said


@pytest.mark.parametrize(
    "lines",
    [
        ["chr10 94781859 . G C . PASS . GT 0/1", "chr16 31096368 . C T . PASS . GT 0/1"],
        ["chr16 31096368 . C C . PASS . GT 0/0"],
        ["chr16 31096368 . C T . PASS . GT 0/1"],
    ],
    ids=["an unknown allele", "one gene without a change", "one gene alone"],
)
def test_no_change_is_said_of_the_called_genes_alone(lines: list[str]) -> None:
    [made] = [d.resource for d in drafts(vcf(*lines)) if d.key == "report"]
    assert (
        "For the drugs whose genes were called, CPIC's tables recommend no change. A drug that is "
        "not listed was not assessed." in made["conclusion"]
    )


def test_the_card_names_the_tables_and_fills_in_every_number() -> None:
    card = rules().card
    assert card.digest == f"sha256:{load_tables().digest}"
    assert "$" not in card.card
    assert load_tables().pypgx in card.card


def test_its_report_has_the_categories_that_the_service_declares(demo: dict[str, Json]) -> None:
    found = {c["code"] for c in codes.codings(demo["report"]["category"])}
    assert found == SERVICE.panel.categories
