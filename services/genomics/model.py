"""The model of this service is a rule set.

The tables, and the card that says how well they do.

Nothing heavy is loaded.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from services.genomics.pgx.tables import Tables, load_tables
from shared.service import ModelCard
from shared.settings import Settings

CARD = Path(__file__).with_name("card.md")
METRICS = Path(__file__).with_name("metrics.json")
VERSION = "1.0.0"


@dataclass(frozen=True)
class PgxModel:
    """The rules and their card."""

    tables: Tables
    card: ModelCard


def load(_settings: Settings) -> PgxModel:
    """The rule set; the same for every setting."""
    return rules()


@cache
def rules() -> PgxModel:
    """The rule set of this release."""
    tables = load_tables()
    metrics = json.loads(METRICS.read_text(encoding="utf-8"))
    text = Template(CARD.read_text(encoding="utf-8")).substitute(
        {k: str(v) for k, v in metrics.items()}, pypgx=tables.pypgx, version=VERSION
    )
    return PgxModel(
        tables,
        ModelCard(
            "pgx-star-alleles",
            "Pharmacogene star alleles and CPIC recommendations",
            VERSION,
            f"sha256:{tables.digest}",
            text,
        ),
    )
