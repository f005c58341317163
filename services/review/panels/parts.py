"""The parts of a result's page: each a builder, a template and a test.

A service's panel says which come first (`shared/panel.py`); none has a branch in `result.html`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.review.panels import declared, film, findings, genes, notes, passages, plan, supports
from services.review.panels.material import Material
from services.review.panels.rest import rest
from shared.json import Json
from shared.panel import PartName

Outputs = Mapping[str, Json]


@dataclass(frozen=True)
class Part:
    """One kind of part.

    Attributes:
        build: what its template draws; None or nothing in it: it is not drawn.
        covers: the keys of the outputs that it shows.
    """

    build: Callable[[Material], Any]
    covers: Callable[[Outputs], Iterable[str]]


@dataclass(frozen=True)
class Drawn:
    """One part of one page."""

    name: str
    lines: Any

    @property
    def template(self) -> str:
        """The file that draws it."""
        return f"panels/{self.name}.html"


def drawn(material: Material) -> list[Drawn]:
    """Build the parts that have something to show.

    In the order of the service's panel; whatever no part shows stands in the last one.
    """
    built = [(name, PARTS[name].build(material)) for name in material.panel.order]
    shown = [Drawn(name, lines) for name, lines in built if lines]
    left = rest(material.outputs, uncovered(material))
    return [*shown, *([Drawn("rest", left)] if left else [])]


def uncovered(material: Material) -> list[str]:
    """Return the keys of outputs that no part shows.

    The focus stands at the top of the page.
    """
    outputs, focus = material.outputs, material.result.focus
    covered = {key for name in material.panel.order for key in PARTS[name].covers(outputs)}
    return [key for key, r in outputs.items() if key not in covered and r is not focus]


def _of(*kinds: str) -> Callable[[Outputs], Iterable[str]]:
    """Cover the outputs of these resource types."""
    return lambda outputs: [key for key, r in outputs.items() if r["resourceType"] in kinds]


def _keys(lines: Callable[[Outputs], Iterable[Any]]) -> Callable[[Outputs], Iterable[str]]:
    """Cover the outputs that have a line."""
    return lambda outputs: [line.key for line in lines(outputs)]


def _nothing(_outputs: Outputs) -> Iterable[str]:
    return ()


def _advice(material: Material) -> genes.Advice | None:
    lines = genes.drug_advice(material.outputs)
    return genes.by_patient(lines, material.taken) if lines else None


def _proposals(material: Material) -> plan.Proposals | None:
    return plan.proposed(material.outputs, material.names, material.result.focus or {})


PARTS: Final[Mapping[PartName, Part]] = {
    "alerts": Part(lambda m: findings.alerts(m.outputs, m.names), _of("DetectedIssue")),
    "film": Part(film.figures, _of("Media")),
    "findings": Part(lambda m: findings.findings(m.outputs), _keys(findings.findings)),
    "sections": Part(lambda m: declared.sections(m.result.service, m.outputs), _nothing),
    "advice": Part(_advice, _keys(genes.drug_advice)),
    "genes": Part(lambda m: genes.gene_calls(m.outputs), _keys(genes.gene_calls)),
    "variants": Part(lambda m: genes.variants(m.outputs), _keys(genes.variants)),
    "problems": Part(lambda m: passages.problems(m.outputs), _keys(passages.problems)),
    "notes": Part(notes.notes, _nothing),
    "proposals": Part(_proposals, _of(*plan.KINDS)),
    "supports": Part(supports.supports, _nothing),
}
