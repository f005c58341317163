"""Interactions, duplicates, allergies and laboratory limits: alerts about what the patient has,
objections to what we would propose (pure).
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from services.treatment.domain import (
    RANK,
    Alert,
    Allergy,
    Citation,
    Inputs,
    Measurement,
    Problem,
    slug,
)
from services.treatment.medications import (
    MOST_NAMED,
    Held,
    daily_mg,
    named,
    names,
    references,
    those,
)
from services.treatment.rules.tables import (
    AllergyRule,
    Contraindication,
    Drug,
    Interaction,
    Limit,
    Rules,
    matches,
)
from shared.fhir import codes

ICD10: Final = ("http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm")
MEASURE_NAMES: Final = {
    "egfr": "eGFR",
    "inr": "INR",
    "potassium": "potassium",
    "creatinine": "creatinine",
}
TOWARDS: Final = {"<": -math.inf, ">": math.inf}
FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}  # more creatinine, less filtration
UMOL_PER_MG_CREATININE: Final = 88.42  # umol/L in 1 mg/dL, molar mass 113.12


@dataclass(frozen=True)
class Objection:
    """What speaks against proposing a drug; a grave one withholds it."""

    grave: bool
    reason: str
    rests_on: tuple[str, ...]
    citation: Citation


def alerts(inputs: Inputs, held: Sequence[Held], rules: Rules) -> Iterator[Alert]:
    """Everything that the patient's own medications, allergies and laboratory values call for."""
    yield from interactions(held, rules)
    yield from duplicates(held, rules)
    yield from allergies(inputs, held, rules)
    yield from limits(inputs, held, rules)


# --- drug with drug


def interactions(held: Sequence[Held], rules: Rules) -> Iterator[Alert]:
    """One alert for each pair of ingredients that a rule names, whoever ordered them and however
    often.
    """
    for rule in rules.interactions:
        pairs = {
            (a.drug.name, b.drug.name)
            for a in those(held, *rule.a)
            for b in those(held, *rule.b)
            if a.drug.name != b.drug.name
        }
        for first, second in sorted(
            {pair for pair in pairs if pair[::-1] not in pairs or pair[0] < pair[1]}
        ):
            both = (*those(held, first), *those(held, second))
            doubt = _dose_doubt(rule, held)
            if doubt is not None:
                yield _interaction_alert(rule, first, second, both, doubt)


def _interaction_alert(
    rule: Interaction, first: str, second: str, both: Sequence[Held], doubt: str
) -> Alert:
    detail = " ".join(
        filter(
            None,
            (f"{names(both)}: {rule.effect}", rule.advice, doubt, f"Source: {rule.citation.text}."),
        )
    )
    key = f"interaction-{slug(rule.id)}-{slug(first)}-{slug(second)}"
    return Alert(
        key,
        rule.id,
        "DRG",
        rule.severity,
        f"{first} with {second}",
        detail,
        named(both),
        rule.citation,
    )


def _dose_doubt(
    rule: Interaction, held: Sequence[Held], proposed: tuple[str, float | None] | None = None
) -> str | None:
    """None: the dose is low enough for the pair not to matter; else what to add about the dose, or
    nothing.
    """
    if rule.daily_over is None:
        return ""
    drug, most = rule.daily_over
    concerned = tuple(those(held, drug))
    daily = proposed[1] if proposed and proposed[0] == drug else daily_mg(concerned)
    if not concerned and not (proposed and proposed[0] == drug):
        return ""  # the pair is of another drug of the rule, which has no such limit
    if daily is None:
        return f"The dose of {drug} is not known here: it matters above {most:g} mg a day."
    return "" if daily > most else None


def duplicates(held: Sequence[Held], rules: Rules) -> Iterator[Alert]:
    """One ingredient ordered twice, or two ingredients of a class that nobody combines.

    Mentions in notes are not orders.
    """
    ordered = [h for h in held if h.medication.ordered]
    for name in sorted({h.drug.name for h in ordered}):
        same = tuple(those(ordered, name))
        if len(references(same)) > 1:
            yield _duplicate(
                "ingredient", name, f"{name} is ordered {len(references(same))} times.", same, rules
            )
    for group in rules.duplicate_classes:
        of_class = tuple(those(ordered, group))
        found = sorted({h.drug.name for h in of_class})
        if len(found) > 1:
            yield _duplicate(
                "class",
                group,
                f"{' and '.join(found)} are both of the class {group}.",
                of_class,
                rules,
            )


def _duplicate(kind: str, name: str, said: str, held: Sequence[Held], rules: Rules) -> Alert:
    detail = f"{said} Confirm that this is meant. Source: {rules.duplicate_citation.text}."
    key = f"duplicate-{kind}-{slug(name)}"
    return Alert(
        key,
        f"duplicate-{kind}",
        "DUPTHPY",
        "moderate",
        f"Duplicate therapy: {name}",
        detail,
        named(held),
        rules.duplicate_citation,
    )


# --- drug with allergy


def allergies(inputs: Inputs, held: Sequence[Held], rules: Rules) -> Iterator[Alert]:
    """One alert for each drug and each rule by which allergies speak against it, by ingredient or
    by class, however often they are recorded.
    """
    for drug in sorted({h.drug for h in held}, key=lambda d: d.name):
        hits: dict[AllergyRule, list[str]] = {}
        for allergy in inputs.allergies:
            if hit := _allergic(allergy, drug, rules):
                hits.setdefault(hit, []).append(allergy.reference)
        yield from (
            _allergy_alert(hit, recorded, tuple(those(held, drug.name)))
            for hit, recorded in hits.items()
        )


def _allergy_alert(hit: AllergyRule, recorded: Sequence[str], mine: Sequence[Held]) -> Alert:
    name = mine[0].drug.name
    detail = (
        f"Allergy recorded ({hit.name}), and the patient has {names(mine)}. {hit.advice} "
        f"Source: {hit.citation.text}."
    )
    rule = f"allergy-{slug(hit.name)}"
    return Alert(
        f"{rule}-{slug(name)}",
        rule,
        "ALGY",
        hit.severity,
        f"Allergy and {name}",
        detail,
        (*named(mine), *recorded[:MOST_NAMED]),
        hit.citation,
    )


def _allergic(allergy: Allergy, drug: Drug, rules: Rules) -> AllergyRule | None:
    """The gravest rule by which this allergy speaks against the drug; the very ingredient is the
    gravest of all.
    """
    if drug in rules.drugs_of(allergy.codes, allergy.text):
        return AllergyRule(
            drug.name,
            drug.name,
            frozenset(),
            (),
            "high",
            "Choose another drug, or clarify what the reaction was.",
            _label(drug),
        )
    hits = [
        rule
        for rule in rules.allergies
        if rule.against in drug.classes and _recognised(allergy, rule, rules)
    ]
    return min(hits, key=lambda r: RANK[r.severity], default=None)


def _label(drug: Drug) -> Citation:
    url = f"https://dailymed.nlm.nih.gov/dailymed/search.cfm?query={quote(drug.name)}"
    return Citation(
        f"{drug.name.capitalize()} US prescribing information, contraindications: known "
        "hypersensitivity",
        url,
    )


def _recognised(allergy: Allergy, rule: AllergyRule, rules: Rules) -> bool:
    named = any(rule.name in d.classes for d in rules.drugs_of(allergy.codes, allergy.text))
    return named or bool(rule.codes & set(allergy.codes)) or _says(rule.words, allergy.text)


def has_allergy(inputs: Inputs, name: str, rules: Rules) -> tuple[str, ...]:
    """The allergies to a class, by reference."""
    known = [r for r in rules.allergies if r.name == name and r.against == name]
    return tuple(
        a.reference for a in inputs.allergies if any(_recognised(a, rule, rules) for rule in known)
    )


# --- drug with laboratory value


@dataclass(frozen=True)
class Seen:
    """The latest value of a measure.

    Attributes:
        comparator: where only a bound is known: `>`.
        computed: how it came about where it was not measured.
    """

    value: float
    comparator: str
    measured: Measurement
    computed: str = ""

    @property
    def nearest(self) -> float:
        """The value; of what lies beyond a bound the nearest: of `< 30` just below 30, of `> 4.5`
        just above.
        """
        return (
            math.nextafter(self.value, TOWARDS[self.comparator])
            if self.comparator in TOWARDS
            else self.value
        )


def limits(inputs: Inputs, held: Sequence[Held], rules: Rules) -> Iterator[Alert]:
    """One alert for each drug and laboratory value beyond a limit."""
    for rule in rules.limits:
        mine = tuple(those(held, *rule.drugs))
        seen = value_of(rule.measure, inputs, rules) if mine else None
        if seen and _beyond(rule, seen.nearest):
            yield _limit_alert(rule, mine, seen)


def _limit_alert(rule: Limit, mine: Sequence[Held], seen: Seen) -> Alert:
    value = f"{seen.comparator} {seen.value:g}".strip()
    said = (
        f"{MEASURE_NAMES[rule.measure]} {value} on {seen.measured.time[:10]}{seen.computed}, "
        f"and the patient has {names(mine)}."
    )
    detail = f"{said} {rule.effect} {rule.advice} Source: {rule.citation.text}."
    title = (
        f"{', '.join(dict.fromkeys(h.drug.name for h in mine))} and {MEASURE_NAMES[rule.measure]}"
    )
    return Alert(
        f"limit-{slug(rule.id)}",
        rule.id,
        "DOSE",
        rule.severity,
        title,
        detail,
        named(mine),
        rule.citation,
        (seen.measured.reference,),
    )


def _beyond(rule: Limit, value: float) -> bool:
    over = rule.over is None or value > rule.over
    below = rule.below is None or (rule.from_ or 0) <= value < rule.below
    return over and below


def value_of(measure: str, inputs: Inputs, rules: Rules) -> Seen | None:
    """The latest value of a measure; None where there is none. eGFR falls back on creatinine."""
    measured = max(
        (m for m in inputs.measurements if m.loinc in rules.measures[measure]),
        key=lambda m: m.at,
        default=None,
    )
    creatinine = max(
        (m for m in inputs.measurements if m.loinc in rules.measures["creatinine"]),
        key=lambda m: m.at,
        default=None,
    )
    if measure == "egfr" and creatinine and (measured is None or creatinine.at > measured.at):
        estimated = egfr(creatinine, inputs)
        if estimated is not None:
            said = f" (from creatinine; {rules.citations['ckd-epi-2021'].text})"
            return Seen(estimated, FLIPPED.get(creatinine.comparator, ""), creatinine, said)
    return Seen(measured.value, measured.comparator, measured) if measured else None


def egfr(creatinine: Measurement, inputs: Inputs) -> float | None:
    """eGFR in mL/min/1.73 m2 by CKD-EPI 2021; None below 18 years, without age or sex, or in an
    unknown unit.
    """
    unit = (
        creatinine.unit.lower().replace("\u00b5", "u").replace("\u03bc", "u")
    )  # as written where there is no UCUM code
    scr = {"mg/dl": creatinine.value, "umol/l": creatinine.value / UMOL_PER_MG_CREATININE}.get(unit)
    if (
        scr is None
        or scr <= 0
        or inputs.age is None
        or inputs.age < 18
        or inputs.sex not in ("female", "male")
    ):
        return None
    kappa, alpha, factor = (0.7, -0.241, 1.012) if inputs.sex == "female" else (0.9, -0.302, 1.0)
    value = (
        142
        * min(scr / kappa, 1) ** alpha
        * max(scr / kappa, 1) ** -1.2
        * 0.9938**inputs.age
        * factor
    )
    return float(round(value))


# --- objections to what we would propose


def against(
    name: str,
    daily: float | None,
    inputs: Inputs,
    staying: Sequence[Held],
    *,
    instead_of: Drug,
    rules: Rules,
) -> Iterator[Objection]:
    """What speaks against giving this drug at this daily dose (mg) beside the drugs that stay.

    An interaction that the drug it replaces has just as well is a caution, never a reason to
    withhold: it is there already.
    """
    drug = rules.drugs[name]
    for item in rules.contraindications:
        if item.drug == name and (found := _contraindicated(item, inputs)) is not None:
            yield Objection(True, f"{item.reason}{found[1]}", found[0], item.citation)
    for allergy in inputs.allergies:
        if hit := _allergic(allergy, drug, rules):
            yield Objection(
                hit.severity == "high",
                f"an allergy is recorded ({hit.name})",
                (allergy.reference,),
                hit.citation,
            )
    for rule in rules.interactions:
        for other in _met(rule, drug, staying):
            doubt = _dose_doubt(rule, staying, (name, daily))
            if doubt is not None:
                reason = f"{name} with {other.said}: {rule.effect} {rule.advice}"
                new = other not in _met(rule, instead_of, staying)
                yield Objection(
                    rule.severity == "high" and other.medication.ordered and new,
                    reason,
                    (other.medication.reference,),
                    rule.citation,
                )


def _met(rule: Interaction, drug: Drug, staying: Sequence[Held]) -> Iterator[Held]:
    for mine, theirs in ((rule.a, rule.b), (rule.b, rule.a)):
        if matches(drug, mine):
            yield from (h for h in those(staying, *theirs) if h.drug != drug)


def _contraindicated(item: Contraindication, inputs: Inputs) -> tuple[tuple[str, ...], str] | None:
    """The problems that fulfil it and how sure they are; an age needs none."""
    if item.age_from is not None:
        return (
            ((), f" (age {inputs.age})")
            if inputs.age is not None and inputs.age >= item.age_from
            else None
        )
    found = [p for p in inputs.problems if _fulfils(p, item)]
    if not found:
        return None
    return tuple(p.reference for p in found), "" if any(
        p.confirmed for p in found
    ) else " (the problem is not confirmed yet: check)"


def _fulfils(problem: Problem, item: Contraindication) -> bool:
    coded = [token.rpartition("|")[::2] for token in problem.codes]
    if any(system == codes.SNOMED and code in item.snomed for system, code in coded):
        return True
    prefixes = tuple(_undotted(prefix) for prefix in item.icd10)
    return any(
        system in ICD10 and _undotted(code).startswith(prefixes) for system, code in coded
    ) or _says(item.words, problem.text)


def _undotted(code: str) -> str:
    """An ICD-10 code as claims write it, without its dot: `K922` is `K92.2`."""
    return code.replace(".", "").upper()


def _says(terms: Sequence[str], text: str) -> bool:
    return any(re.search(rf"\b{re.escape(term)}\b", text, re.IGNORECASE) for term in terms)
