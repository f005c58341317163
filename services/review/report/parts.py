"""The parts of a signed result, each with what the clinician said of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from services.review.decision.fates import LEFT_OUT, REFUTED, is_gone
from services.review.panels import declared, findings, genes, passages, plan
from services.review.panels.material import Material
from services.review.panels.parts import uncovered
from services.review.panels.rest import rest
from services.review.report.content import Line, Run, Section, Weight, text
from services.review.report.fates import fate_of
from shared.panel import PartName, Row

Citations = Iterable[Mapping[str, str]]
OUT: Final = ("left out", "not ", "NOT ", "REFUTED", "withdrawn")
"""So begins the fate of what was not accepted."""
ON_THE_PAGE: Final = "Not printed, see the page of the result: {} picture{}."


def sections_of(material: Material) -> list[Section]:
    """Return what was found, in the order of the service's panel; nothing is left out."""
    made = [section for name in material.panel.order for section in _sections(name, material)]
    left = rest(material.outputs, uncovered(material))
    lines = [_line(material, r.key, f"{r.kind}: {r.name}", r.value) for r in left]
    if pictures := len(material.result.of_kind("Media")):
        lines.append(text(ON_THE_PAGE.format(pictures, "s" if pictures > 1 else ""), "small"))
    return [*made, *([Section("Also part of this result", lines)] if lines else [])]


def _sections(name: PartName, material: Material) -> list[Section]:
    if name == "sections":
        return _declared(material)
    if name not in BUILDERS:
        return []
    title, lines = BUILDERS[name]
    heading = material.panel.findings if name == "findings" else title
    made = lines(material)
    return [Section(heading, made)] if made else []


def _alerts(material: Material) -> list[Line]:
    return [
        _line(
            material,
            a.key,
            f"{a.name}, {a.severity or 'no'} severity",
            a.detail,
            _among("About", a.implicated),
            _cited(a.citations),
        )
        for a in findings.alerts(material.outputs, material.names)
    ]


def _findings(material: Material) -> list[Line]:
    return _observed(material, findings.findings(material.outputs))


def _variants(material: Material) -> list[Line]:
    return _observed(material, genes.variants(material.outputs))


def _observed(material: Material, lines: Iterable[findings.Finding]) -> list[Line]:
    return [
        _line(
            material,
            f.key,
            f.name,
            f.value,
            *(f"{name}: {value}" for name, value in f.details),
            _among("Site", [f.site]),
            _among("How sure the model is", [f.certainty]),
        )
        for f in lines
    ]


def _genes(material: Material) -> list[Line]:
    return [
        _line(
            material,
            g.key,
            _genotype(g.gene, g.diplotype),
            *g.phenotypes,
        )
        for g in genes.gene_calls(material.outputs)
    ]


def _genotype(gene: str, diplotype: str) -> str:
    known = diplotype or "not called"
    return known if gene and gene in known else f"{gene or 'gene not named'} {known}"


def _advice(material: Material) -> list[Line]:
    return [
        _line(
            material,
            a.key,
            a.drug or "drug not named",
            "change advised" if a.actionable else "",
            *a.phenotypes,
            a.note,
            _cited(a.citations),
        )
        for a in genes.drug_advice(material.outputs)
    ]


def _problems(material: Material) -> list[Line]:
    return [
        _line(material, p.key, p.name, *(f'the note says "{q}"' for q in p.quotes))
        for p in passages.problems(material.outputs)
    ]


def _proposals(material: Material) -> list[Line]:
    made = [
        _line(
            material,
            p.key,
            f"{p.kind}: {p.name}",
            *p.dosage,
            _among("Because of", p.reasons),
            _among("Instead of", [p.instead_of]),
            _among("One alternative of", [p.group]),
            _cited(p.citations),
        )
        for p in plan.proposals(material.outputs, material.names)
    ]
    return [*made, *(text(w, "item") for w in plan.advice(material.result.focus or {}))]


def _declared(material: Material) -> list[Section]:
    return [
        Section(section.title, [_row(section.columns, row) for row in section.rows])
        for section in declared.sections(material.result.service, material.outputs)
    ]


def _row(columns: Sequence[str], row: Row) -> Line:
    named = [f"{c}: {v}" for c, v in zip(columns, row.cells, strict=False)]
    out = ["NOT ACCEPTED"] if is_gone(row.status) else []
    return text("; ".join([*out, *(named or row.cells), *filter(None, [row.note])]), "item")


def _line(material: Material, key: str, name: str, *details: str) -> Line:
    """Return a part with its fate; the name of what was not accepted is struck out."""
    resource, fate = material.outputs[key], fate_of(key, material.result)
    notes = (str(n.get("text", "")) for n in resource.get("note", []))
    own = [note for note in notes if note not in ("", REFUTED, LEFT_OUT)]
    said = [d for d in details if d and d not in own]
    is_out = fate.startswith(OUT)
    weights: tuple[Weight, Weight] = ("struck", "bold") if is_out else ("bold", "plain")
    runs = [Run(name, weights[0]), Run(f" ({fate})", weights[1])]
    words = ". ".join(part.rstrip(".") for part in [*said, *own])
    return Line([*runs, *([Run(f": {words}.")] if words else [])], "item")


def _among(label: str, values: Iterable[str]) -> str:
    named = ", ".join(filter(None, values))
    return f"{label}: {named}" if named else ""


def _cited(citations: Citations) -> str:
    return _among("Source", [c["display"] for c in citations])


BUILDERS: Final[Mapping[PartName, tuple[str, Callable[[Material], list[Line]]]]] = {
    "alerts": ("Alerts", _alerts),
    "findings": ("Findings", _findings),
    "advice": ("What it means for drugs", _advice),
    "genes": ("Genes", _genes),
    "variants": ("Variants", _variants),
    "problems": ("Problems found in the note", _problems),
    "proposals": ("Proposals", _proposals),
}
"""Part of the page -> its heading and its lines. Pictures and the text of notes are not printed."""
