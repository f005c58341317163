"""Which services this environment can run: an image or an environment of one service has that
service's extra alone.
"""

from collections.abc import Sequence

from services import catalogue
from services.cli.permissions import scopes_of_process
from shared.service import ModelCard
from shared.settings import Settings

Card = tuple[str, ModelCard]


def lacks(name: str) -> str | None:
    """What can't be imported of a service, in words; None when its modules are there (its model's
    may still be missing).
    """
    try:
        scopes_of_process(name)
    except ImportError as error:
        return str(error)
    return None


def extra(name: str) -> str:
    """What to do about it."""
    return f"pip install 'careloop[{name}]'"


def model_cards(settings: Settings) -> tuple[Sequence[Card], dict[str, str]]:
    """(service, card) of every model that would speak here; and analyser -> what is not installed
    of it.
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
