"""The check: nothing leaves careloop against the rules of R4 (pure).

A broken rule is a bug of ours, never a value to send. There are three checks, cheapest first: R4's
own table (`structure`), R4's invariants (`invariants`), and `fhir.resources`, which knows each data
type; a shape that it accepted is not parsed again (`shape`). No server that we met replaces this:
sekmet and HAPI FHIR each accept what the other refuses.
"""

from functools import cache
from typing import Final

import orjson
from fhir.resources.R4B import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from shared.errors import InvalidResource
from shared.fhir.shape import shape_of
from shared.fhir.structure import Scope, resource_problems, table
from shared.json import Json

MAX_BUNDLE_BYTES: Final = 900_000
"""Proxies before EHRs answer 413 at 1 MB."""
MOST_PROBLEMS: Final = 5
"""In one message: a wrong builder breaks the same rule a hundred times."""

MOST_SHAPES: Final = 4_096
"""Remembered at once: a service writes some dozens."""
_accepted: set[bytes] = set()


def check(resource: Json) -> None:
    """Refuse an invalid resource.

    It checks structure, required codes, reference targets and invariants. `urn:uuid:` references
    are not followed here: `check_bundle` does.

    Raises:
        InvalidResource: names type, element path and rule; no value from the resource is in the
            message.
    """
    _refuse(list(resource_problems(resource, str(resource.get("resourceType", "?")), Scope())))
    _parse(resource)


def check_bundle(bundle: Json) -> None:
    """Refuse a Bundle with a broken entry, a dangling `urn:uuid:`, or too many bytes.

    Raises:
        InvalidResource: as `check`.
    """
    found = [entry for entry in bundle.get("entry", []) if isinstance(entry, dict)]
    carried = {
        str(entry.get("fullUrl")): entry["resource"]
        for entry in found
        if isinstance(entry.get("resource"), dict)
    }

    kinds = {url: str(resource.get("resourceType")) for url, resource in carried.items()}
    _refuse(list(resource_problems(bundle, "Bundle", Scope(kinds))))
    for entry in found:
        if "resource" in entry:
            _parse(entry["resource"])
    check_size(bundle)


def check_size(bundle: Json) -> None:
    """Refuse a Bundle too large for the proxies before an EHR.

    Its author must leave something out (a heat map takes up to 200 kB).

    Raises:
        InvalidResource: says the size and the limit.
    """
    size = len(orjson.dumps(bundle))
    if size > MAX_BUNDLE_BYTES:
        raise InvalidResource(f"Bundle: {size} bytes, more than {MAX_BUNDLE_BYTES}")


def _refuse(problems: list[str]) -> None:
    if problems:
        others = len(problems) - MOST_PROBLEMS
        more = f" (and {others} more)" if others > 0 else ""
        raise InvalidResource("; ".join(problems[:MOST_PROBLEMS]) + more)


def _parse(resource: Json) -> None:
    shape = shape_of(resource)
    if shape in _accepted:
        return

    kind = str(resource["resourceType"])
    try:
        _model(kind).model_validate(resource)
    except ValidationError as error:
        # Only place and class of each error: pydantic's own text may quote the value.
        found = error.errors(include_input=False, include_context=False, include_url=False)
        _refuse([f"{'.'.join([kind, *map(str, e['loc'])])}: {e['type']}" for e in found])
    if len(_accepted) >= MOST_SHAPES:
        _accepted.clear()
    _accepted.add(shape)


@cache
def _model(kind: str) -> type[BaseModel]:
    if kind not in table().kinds:  # pragma: no cover - the table has refused it before
        raise InvalidResource(f"{kind}: R4 has no such resource")
    model: type[BaseModel] = get_fhir_model_class(kind)
    return model
