"""Which services there are; a fifth analyser adds its name to `shared.service.ANALYSERS`."""

from importlib import import_module
from typing import Final

from shared.errors import Misconfigured
from shared.service import ANALYSERS, Service

__all__ = ["ANALYSERS", "SERVICES", "analyser"]

SERVICES: Final = ("intake", *ANALYSERS, "review")


def analyser(name: str) -> Service:
    """What `services/{name}/service.py` declares; slow imports stay for its `load`.

    Raises:
        Misconfigured: no such analyser.
    """
    if name not in ANALYSERS:
        raise Misconfigured(f"no analyser is called {name}; there are {', '.join(ANALYSERS)}")
    service = import_module(f"services.{name}.service").SERVICE
    if not isinstance(service, Service):
        raise Misconfigured(f"services/{name}/service.py does not declare SERVICE")
    return service
