"""Codes of HL7 Genomics Reporting 3.0.0, LOINC and GRCh38 (pure data).

LOINC's answer lists and the reference sequences of GRCh38 among them.
"""

from typing import Final

TBD: Final = "http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs"
LOINC: Final = "http://loinc.org"
GENE_NAMES: Final = "http://www.genenames.org"
DBSNP: Final = "http://www.ncbi.nlm.nih.gov/projects/SNP"
REFSEQ: Final = "http://www.ncbi.nlm.nih.gov/refseq"
HGVS: Final = "http://varnomen.hgvs.org"
PHARMVAR: Final = "http://www.pharmvar.org"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
SEQUENCE_ONTOLOGY: Final = "http://www.sequenceontology.org"

REPORT: Final = "51969-4"
VARIANT: Final = "69548-6"
HAPLOTYPE: Final = "84414-2"
GENOTYPE: Final = "84413-4"
METABOLISM: Final = "53040-2"  # genetic variation's effect on drug metabolism
MEDICATION: Final = "51963-7"  # medication assessed
THERAPEUTIC: Final = "therapeutic-implication"  # of TBD
GENE: Final = "48018-6"
KNOWN_ID: Final = "81252-9"
GENOMIC_HGVS: Final = "81290-9"
REFERENCE_SEQUENCE: Final = "48013-7"
ASSEMBLY: Final = "62374-4"
CHROMOSOME_OF: Final = "48000-4"
START_END: Final = "81254-5"
COORDINATES: Final = "92822-6"
REF_ALLELE: Final = "69547-8"
ALT_ALLELE: Final = "69551-0"
ALLELIC_STATE: Final = "53034-5"
SOURCE_CLASS: Final = "48002-0"
CHANGE_TYPE: Final = "48019-4"
DEPTH: Final = "82121-5"
ABNORMAL: Final = ("A", "Abnormal")
NORMAL: Final = ("N", "Normal")
PRESENT: Final = ("LA9633-4", "Present")
GRCH38: Final = ("LA26806-2", "GRCh38")
ONE_BASED: Final = ("LA30102-0", "1-based character counting")
GERMLINE: Final = ("LA6683-2", "Germline")
HETEROZYGOUS: Final = ("LA6706-1", "Heterozygous")
HOMOZYGOUS: Final = ("LA6705-3", "Homozygous")

# LOINC answer list LL2938-0 (chromosome) and RefSeq accessions of GRCh38 (NCBI assembly
# GCF_000001405)
CHROMOSOME: Final = {
    "1": "LA21254-0",
    "6": "LA21259-9",
    "10": "LA21263-1",
    "12": "LA21265-6",
    "13": "LA21266-4",
    "16": "LA21269-8",
}
ACCESSION: Final = {
    "1": "NC_000001.11",
    "6": "NC_000006.12",
    "10": "NC_000010.11",
    "12": "NC_000012.12",
    "13": "NC_000013.11",
    "16": "NC_000016.10",
}

# LOINC answer list LL3856-8 (metabolizer phenotype); CPIC's other terms have no answer code and
# stay text
METABOLIZER: Final = {
    "Ultrarapid Metabolizer": "LA10315-2",
    "Rapid Metabolizer": "LA25390-8",
    "Normal Metabolizer": "LA25391-6",
    "Intermediate Metabolizer": "LA10317-8",
    "Poor Metabolizer": "LA9657-3",
}

SNV: Final = ("SO:0001483", "SNV")
DELETION: Final = ("SO:0000159", "deletion")
INSERTION: Final = ("SO:0000667", "insertion")
