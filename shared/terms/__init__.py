"""Names for several services, each recognised alike everywhere.

Pure data and its reader; no I/O but the package's own files. `drugs.toml` holds drug ingredients
with their RxNorm ingredient code and the names that notes and charts use for them.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Drug:
    """One ingredient.

    Attributes:
        name: the ingredient's generic name, lower case; unique.
        rxnorm: its RxNorm ingredient code (RXCUI of term type IN), or None where the name means
            a class or no code is certain.
        names: every name it goes by (the generic first, then brands and other spellings), lower
            case.
    """

    name: str
    rxnorm: str | None
    names: tuple[str, ...]


@cache
def drugs() -> tuple[Drug, ...]:
    """List all drugs of `drugs.toml`, by name."""
    table = tomllib.loads(files(__name__).joinpath("drugs.toml").read_text(encoding="utf-8"))
    return tuple(_drug(name, entry) for name, entry in sorted(table["drugs"].items()))


def _drug(name: str, entry: Mapping[str, object]) -> Drug:
    others = entry.get("names", ())
    assert isinstance(others, list | tuple)
    code = entry.get("rxnorm")
    return Drug(name, str(code) if code else None, (name, *(str(n).lower() for n in others)))


@cache
def drugs_by_name() -> Mapping[str, Drug]:
    """Map each name, lower case, to its drug."""
    return {name: drug for drug in drugs() for name in drug.names}


@cache
def drugs_by_rxnorm() -> Mapping[str, Drug]:
    """Map each RxNorm ingredient code to its drug."""
    return {drug.rxnorm: drug for drug in drugs() if drug.rxnorm}
