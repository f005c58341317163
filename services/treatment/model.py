"""The rule set, read from `data/*.toml`, and its card."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from services.treatment.rules.parsing import parse
from services.treatment.rules.tables import Rules
from shared.answers import digest
from shared.service import ModelCard
from shared.terms import drugs_by_rxnorm

if TYPE_CHECKING:
    from shared.settings import Settings

VERSION = "1.3.0"
TABLES = ("ages", "citations", "drugs", "followup", "genes", "interactions", "safety")


@dataclass(frozen=True)
class Model:
    """The rules and their card."""

    rules: Rules
    card: ModelCard


@lru_cache(maxsize=1)
def load_rules() -> Rules:
    """Read the rules of this version, once."""
    folder = files("services.treatment") / "data"
    texts = {name: (folder / f"{name}.toml").read_bytes() for name in TABLES}
    known = {code: drug.names for code, drug in drugs_by_rxnorm().items()}
    return parse(
        {name: tomllib.loads(raw.decode()) for name, raw in texts.items()},
        f"sha256:{digest(*texts.values(), known)}",
        known,
    )


def load(_settings: "Settings | None" = None) -> Model:
    """Load the rules and write their card."""
    rules = load_rules()
    card = ModelCard(
        name="treatment-rules",
        title="Treatment: cited rules",
        version=VERSION,
        digest=rules.digest,
        card=card_text(rules),
    )

    return Model(rules, card)


def card_text(rules: Rules) -> str:
    """Write the model card: what is in the tables, counted from them, and what is not."""
    cited = {*rules.citations.values(), rules.duplicate_citation}
    sources = "\n".join(f"- {c.text}: {c.url}" for c in sorted(cited, key=lambda c: c.text))

    return CARD.format(
        version=VERSION,
        digest=rules.digest,
        drugs=len(rules.drugs),
        genes=len(rules.genes) + 1,
        interactions=len(rules.interactions),
        allergies=len(rules.allergies),
        contraindications=len(rules.contraindications),
        limits=len(rules.limits),
        follow_ups=len(rules.follow_ups),
        sources=sources,
    )


CARD = """# Treatment: cited rules {version}

Digest: `{digest}`

## What it does
Fuses a patient's reports, problems, medications, allergies and laboratory values into a draft \
care plan. Every proposal and alert
names its source and what it rests on; an identifier of it names its rule. Nothing is learned \
from data: it is a table of {genes} gene rules, {interactions} drug
interactions, {allergies} allergy rules, {contraindications} contraindications, {limits} \
laboratory limits and {follow_ups} follow-up of
imaging over {drugs} ingredients.

## Limits
- It is not a complete interaction checker. A pair that is not in the table raises no alert, and \
silence is no clearance.
- Ages are counted on the day on which a plan is drawn; time alone draws none again. Most limits \
of age are engineering defaults, no guideline's.
- Doses are not adjusted to kidney function, weight or liver function; the reader is told where a \
label asks for it.
- Warfarin doses come from the label's table of genotypes, not from an equation with age, height \
and weight.
- It has not been evaluated on patients, and not validated elsewhere. A clinician decides on \
every item.

## Sources
CPIC's content is CC0. Codes are those of RxNorm, LOINC and SNOMED CT, on the terms that stand in \
careloop's NOTICE.
{sources}
"""
