"""Which services this environment can run.

An image or an environment of one service has that service's extra alone.
"""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import packages_distributions, requires
from importlib.util import find_spec

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from services import catalogue
from shared.service import ModelCard
from shared.settings import Settings

Card = tuple[str, ModelCard]


def lacks(name: str) -> str | None:
    """Say which package a service needs and this environment lacks.

    None when all are there.

    Nothing is imported for it: torch alone takes seconds.
    """
    modules = _modules_of()
    for distribution in _required(name):
        found = modules.get(_plain(distribution), [])
        if not any(find_spec(module) for module in found):
            return f"{distribution} is missing"
    return None


def _required(name: str) -> list[str]:
    """Return what the extra of this name brings.

    Pip sees to what is required without one.
    """
    every = [Requirement(text) for text in requires(catalogue.package_of(name)) or []]
    return [r.name for r in every if r.marker and _of_extra(r.marker, name)]


def _of_extra(marker: Marker, extra: str) -> bool:
    return marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


@cache
def _modules_of() -> dict[str, list[str]]:
    """Return the top-level modules of each installed distribution."""
    found: dict[str, list[str]] = {}
    for module, owners in packages_distributions().items():
        for owner in owners:
            found.setdefault(_plain(owner), []).append(module)
    return found


def _plain(name: str) -> str:
    return canonicalize_name(name)


def extra(name: str) -> str:
    """What to do about it."""
    package = catalogue.package_of(name)
    if package != "careloop":
        return f"Install what {package} needs"
    return f"pip install 'careloop[{name}]'"


def model_cards(settings: Settings) -> tuple[Sequence[Card], dict[str, str]]:
    """(service, card) of every model that would speak here.

    And analyser -> what is not installed of it.
    """
    cards: list[Card] = []
    lacking: dict[str, str] = {}
    for name in catalogue.analyser_names():
        try:
            service = catalogue.analyser(name)
            cards += [(name, card) for card in service.cards(service.load(settings))]
        except ImportError as error:
            lacking[name] = str(error)
    return cards, lacking
