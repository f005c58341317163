"""What the parts of a page are built from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from services.review.panels import findings
from services.review.result.film import FilmShelf
from services.review.result.read import read_all
from services.review.result.result import Result
from services.review.result.taken import Taken, taken
from shared.ehr.client import Ehr
from shared.json import Json
from shared.panel import Panel
from shared.references import is_elsewhere, local_reference, relative, subject_of
from shared.settings import Settings


@dataclass(frozen=True)
class Material:
    """One result, and where to read what belongs to it."""

    ehr: Ehr
    settings: Settings
    films: FilmShelf
    result: Result
    panel: Panel

    @property
    def outputs(self) -> Mapping[str, Json]:
        """What the answer wrote, by key."""
        return self.result.outputs

    @cached_property
    def taken(self) -> Taken:
        """The drugs that the patient takes; read where a part needs them."""
        return taken(self.ehr, self.result.records)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What people call everything that the outputs refer to; this patient's alone."""
        result = self.result
        known = {local_reference(r): r for r in (*result.outputs.values(), *result.sources)}
        wanted = {ref for r in result.outputs.values() for ref in named_by(r) if ref not in known}
        read = (
            r
            for r in read_all(self.ehr, sorted(wanted)).values()
            if r is not None and subject_of(r) in result.records
        )
        return findings.names_of([*known.values(), *read])


def named_by(resource: Json) -> list[str]:
    """List what an output names and the page calls by its name."""
    elements = ("implicated", "reasonReference", "addresses")
    items = [item for element in elements for item in resource.get(element, [])]
    items += [resource["priorPrescription"]] if "priorPrescription" in resource else []
    found = [
        relative(i["reference"])
        for i in items
        if isinstance(i, dict) and isinstance(i.get("reference"), str)
    ]
    return [r for r in found if not r.startswith(("urn:", "#")) and not is_elsewhere(r)]
