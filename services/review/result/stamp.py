"""What a page was made of, as one text, and which output it is about (pure)."""

from collections.abc import Iterable, Mapping

from services.review.result import standing
from shared.answers import Head, digest
from shared.json import Json
from shared.references import local_reference, moment_of, relative, version_of


def stamp_of(
    head: Head,
    outputs: Mapping[str, Json],
    sources: Iterable[Json] = (),
    missing: Iterable[str] = (),
) -> str:
    """What a page was made of.

    Changes whenever the head, any of its resources or anything that they rest on has a new version
    or is gone.
    """
    made = {key: _version(r) for key, r in outputs.items()}
    states = sorted(f"{_version(r)} {standing.state(r)}" for r in sources)
    return digest(head.reference, head.version, moment_of(head.task), made, states, sorted(missing))


def _version(resource: Json) -> str:
    """Name the version by its number and its instant.

    The number alone comes again where a resource was expunged or a backup restored.
    """
    return f"{local_reference(resource)} {version_of(resource)} {moment_of(resource)}"


def focus_key(head: Head, outputs: Mapping[str, Json]) -> str | None:
    """The key of the output that the head is about: the report or the plan."""
    focus = relative(head.task.get("focus", {}).get("reference", ""))
    return next(
        (key for key, r in outputs.items() if local_reference(r) == focus),
        "report" if "report" in outputs else None,
    )
