"""The report as a PDF, laid out with ReportLab on A4.

All text is data: it is escaped before ReportLab reads its own marks.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph, Spacer, Table

from services.review.report.content import Line, Report, Run, Section
from services.review.report.letters import shown

FONTS: Final = Path(__file__).parent / "fonts"
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
INK, SOFT, BRAND, BAD = map(HexColor, ("#15232b", "#4c5c66", "#0b5563", "#8a1c1c"))
PALE: Final = HexColor("#8a1c1c", hasAlpha=False).clone(alpha=0.16)
MARGIN: Final = 18 * mm
TOP: Final = 27 * mm
WIDTH: Final = A4[0] - 2 * MARGIN
LOCK: Final = Lock()
"""ReportLab keeps its fonts for the whole process."""


def _style(name: str, size: float, **more: Any) -> ParagraphStyle:
    given = {"fontName": PLAIN, "leading": size * 1.4, "textColor": INK, "spaceAfter": 3} | more
    return ParagraphStyle(name, fontSize=size, **given)


STYLES: Final = {
    "title": _style("title", 17, fontName=BOLD, spaceAfter=2),
    "standing": _style("standing", 10.5, spaceAfter=2),
    "drafted": _style("drafted", 9.5, textColor=SOFT, spaceAfter=8),
    "heading": _style("heading", 11, fontName=BOLD, textColor=BRAND, spaceBefore=8, keepWithNext=1),
    "text": _style("text", 10.5),
    "lead": _style("lead", 10.5, spaceBefore=4, keepWithNext=1),
    "item": _style("item", 9.5, leftIndent=10, bulletFontName=PLAIN, bulletFontSize=9.5),
    "small": _style("small", 8, textColor=SOFT, spaceAfter=1),
    "label": _style("label", 9, textColor=SOFT, spaceAfter=0),
    "value": _style("value", 10.5, fontName=BOLD, spaceAfter=0),
    "warning": _style(
        "warning", 10.5, fontName=BOLD, textColor=BAD, borderColor=BAD, borderWidth=1,
        borderPadding=4,
        leftIndent=5,
        rightIndent=5, spaceBefore=8, spaceAfter=8,
    ),
}  # fmt: skip
MARKS: Final[dict[str, tuple[str, str]]] = {
    "plain": ("", ""),
    "bold": (f'<font name="{BOLD}">', "</font>"),
    "struck": ("<strike>", "</strike>"),
    "underlined": ("<u>", "</u>"),
}


def pdf(report: Report) -> bytes:
    """Lay it out.

    It is done twice, because each page says how many there are.
    """
    with LOCK:
        printed = shown(report, _glyphs())
        _, pages = _laid_out(printed, 0)
        return _laid_out(printed, pages)[0]


def _glyphs() -> frozenset[int]:
    """Return the code points that both fonts have; registers them at the first call."""
    for name in (PLAIN, BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))
    both = (pdfmetrics.getFont(name).face.charToGlyph for name in (PLAIN, BOLD))
    return frozenset.intersection(*map(frozenset, both))


@dataclass(frozen=True)
class _Edge:
    """Draws what stands on each page around its text."""

    report: Report
    pages: int

    def draw(self, canvas: Any, document: Any) -> None:
        if self.report.void:
            _across(canvas, self.report.void)
        height = A4[1]
        canvas.saveState()
        canvas.setFillColor(SOFT)
        canvas.setFont(PLAIN, 8)
        canvas.drawString(MARGIN, height - 13 * mm, _fitted(self.report.title, PLAIN, 8))
        canvas.setFillColor(INK)
        canvas.setFont(BOLD, 9)
        canvas.drawString(MARGIN, height - 18 * mm, _fitted(self.report.patient_line, BOLD, 9))
        canvas.setStrokeColor(BRAND)
        canvas.line(MARGIN, height - 21 * mm, A4[0] - MARGIN, height - 21 * mm)
        canvas.setFillColor(SOFT)
        canvas.setFont(PLAIN, 8)
        page = f"Page {document.page} of {self.pages}"
        canvas.drawRightString(A4[0] - MARGIN, 12 * mm, page)
        foot = f"{self.report.printed} · {self.report.reference}"
        canvas.drawString(MARGIN, 12 * mm, _fitted(foot, PLAIN, 8, WIDTH - 28 * mm))
        canvas.drawString(MARGIN, 8 * mm, _fitted(self.report.drafted, PLAIN, 8))
        canvas.restoreState()


def _across(canvas: Any, word: str) -> None:
    canvas.saveState()
    canvas.translate(A4[0] / 2, A4[1] / 2)
    canvas.rotate(52)
    canvas.setFillColor(PALE)
    canvas.setFont(BOLD, 92)
    canvas.drawCentredString(0, -30, word)
    canvas.restoreState()


def _fitted(text: str, font: str, size: float, width: float = WIDTH) -> str:
    """Return as much of the text as fits on a line; `…` where something is missing."""
    line = " ".join(text.split())
    if pdfmetrics.stringWidth(line, font, size) <= width:
        return line
    # the widest letter of the font is narrower than twice its size
    line = line[: int(width)]
    while line and pdfmetrics.stringWidth(f"{line}…", font, size) > width:
        line = line[:-1]
    return f"{line}…"


def _laid_out(report: Report, pages: int) -> tuple[bytes, int]:
    """Return the file, and how many pages it has."""
    made = io.BytesIO()
    document = BaseDocTemplate(
        made,
        pagesize=A4,
        title=f"Report: {report.kind}",
        author="careloop",
        subject="Signed report",
        creator="careloop",
        lang="en",
    )
    frame = Frame(MARGIN, 18 * mm, WIDTH, A4[1] - TOP - 18 * mm, 0, 0, 0, 0)
    edge = _Edge(report, pages)
    document.addPageTemplates([PageTemplate(frames=[frame], onPage=edge.draw)])
    document.build(list(_flow(report)))
    return made.getvalue(), document.page


def _flow(report: Report) -> Iterator[Any]:
    yield _paragraph(report.title, "title")
    yield _paragraph(report.standing, "standing")
    yield _paragraph(report.drafted, "drafted")
    if report.void:
        yield _paragraph(f"{report.void}: do not act on this report.", "warning")
    for warning in report.warnings:
        yield _paragraph(warning, "warning")
    yield _patient(report.patient)
    for section in report.sections:
        yield from _section(section)


def _patient(rows: Sequence[tuple[str, str]]) -> Any:
    """Lay out who the patient is; a row may be longer than a page."""
    cells = [[_paragraph(label, "label"), _paragraph(value, "value")] for label, value in rows]
    table = Table(cells, colWidths=[30 * mm, WIDTH - 30 * mm], splitInRow=1)
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("BOX", (0, 0), (-1, -1), 0.6, BRAND),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
    )
    return table


def _section(section: Section) -> Iterator[Any]:
    yield _paragraph(section.title, "heading")
    for line in section.lines:
        yield Paragraph(_marked(line.runs), STYLES[line.style], bulletText=_bullet(line))
    yield Spacer(1, 2)


def _bullet(line: Line) -> str | None:
    return "•" if line.style == "item" else None


def _paragraph(text: str, style: str) -> Any:
    return Paragraph(_marked([Run(text)]), STYLES[style])


def _marked(runs: Sequence[Run]) -> str:
    """Write the runs in ReportLab's marks."""
    return "".join(f"{MARKS[r.style][0]}{_escaped(r.text)}{MARKS[r.style][1]}" for r in runs)


def _escaped(text: str) -> str:
    return escape(text).replace("\n", "<br/>")
