"""Which services there are: intake, the analysers that are installed, review.

An analyser is registered by one line in the pyproject.toml of its package, the entry point group
`careloop.analysers`::

    [project.entry-points."careloop.analysers"]
    ecg = "hospital_ecg.service:SERVICE"

A `service.py` imports with careloop's base dependencies alone: intake and review load it, too.
"""

import re
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from shared.errors import Misconfigured
from shared.service import Service

GROUP: Final = "careloop.analysers"
NAME: Final = re.compile(r"[a-z][a-z0-9]{0,30}")
RULE: Final = "a name is a lower-case word of letters and digits, and neither intake nor review"


@cache
def _registered() -> dict[str, EntryPoint]:
    """Return the entry point of each analyser, in the order of their names."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        first = found.setdefault(point.name, point)
        if not NAME.fullmatch(point.name) or point.name in ("intake", "review"):
            raise Misconfigured(
                f"{_package(point)} registers an analyser called {point.name}: {RULE}"
            )
        if first.value != point.value:
            raise Misconfigured(
                f"{_package(first)} and {_package(point)} both register an analyser called "
                f"{point.name}: uninstall one of them"
            )
    if not found:
        raise Misconfigured("no analyser is registered: install careloop (`pip install -e .`)")
    return found


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "a package"


def package_of(name: str) -> str:
    """Return the distribution that a service comes from."""
    points = _registered()
    return _package(points[name]) if name in points else "careloop"


def analyser_names() -> tuple[str, ...]:
    """Return the names of the installed analysers; none of them is imported for it."""
    return tuple(_registered())


def service_names() -> tuple[str, ...]:
    """Return the names of everything that `careloop run` can start."""
    return ("intake", *analyser_names(), "review")


@cache
def analyser(name: str) -> Service:
    """Return what an analyser declares; slow imports stay for its `load`.

    Raises:
        Misconfigured: there is none of that name, its package can't be loaded, or it does not
            declare a Service of that name.
    """
    points = _registered()
    if name not in points:
        raise Misconfigured(f"no analyser is called {name}; there are {', '.join(points)}")

    try:
        service = points[name].load()
    except Exception as error:  # somebody else's code: name the package, not our line
        why = " ".join(str(error).split())
        raise Misconfigured(
            f"{points[name].value} of {_package(points[name])} can't be loaded: "
            f"{type(error).__name__}: {why}"
        ) from error

    if not isinstance(service, Service) or service.name != name:
        raise Misconfigured(f"{points[name].value} is not a Service called {name}")
    return service


def analysers() -> tuple[Service, ...]:
    """Return what each installed analyser declares."""
    return tuple(analyser(name) for name in analyser_names())


def look_again() -> None:
    """Forget what was found.

    Something was installed or removed while this process runs.
    """
    _registered.cache_clear()
    analyser.cache_clear()
