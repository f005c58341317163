"""An age or a problem against a drug (pure)."""

from typing import Final

from services.treatment.domain import Inputs, Problem
from services.treatment.record.concepts import has_term
from services.treatment.rules.tables import Contraindication
from shared.fhir import codes

ICD10: Final = ("http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm")
UNCONFIRMED: Final = " (the problem is not confirmed yet: check)"


def contraindicated(rule: Contraindication, inputs: Inputs) -> str | None:
    """Find the remark on a contraindication; empty where it holds without one.

    None where it does not hold.
    """
    if rule.age_from is not None:
        old_enough = inputs.age is not None and inputs.age >= rule.age_from
        return f" (age {inputs.age})" if old_enough else None

    found = [problem for problem in inputs.problems if _fulfils(problem, rule)]
    if not found:
        return None

    return "" if any(problem.confirmed for problem in found) else UNCONFIRMED


def _fulfils(problem: Problem, rule: Contraindication) -> bool:
    """Tell whether a problem is the one of a rule.

    It is known by SNOMED CT code, by ICD-10 prefix or by words.
    """
    coded = [token.rpartition("|")[::2] for token in problem.codes]
    if any(system == codes.SNOMED and code in rule.snomed for system, code in coded):
        return True

    prefixes = tuple(_undotted(prefix) for prefix in rule.icd10)
    if any(system in ICD10 and _undotted(code).startswith(prefixes) for system, code in coded):
        return True

    return has_term(problem.text, rule.words)


def _undotted(code: str) -> str:
    """Write an ICD-10 code as claims do, without its dot: `K922` is `K92.2`."""
    return code.replace(".", "").upper()
