"""What the tests of the printed report share."""

import io
from typing import Any

from pypdf import PdfReader

from services.review.report.content import Report, Section, text
from services.review.report.paper import pdf

CONCLUSION = "Opacity in the left lower zone, in keeping with pneumonia."


def a_report(**more: Any) -> Report:
    given: dict[str, Any] = {
        "title": "Chest film",
        "kind": "Chest film",
        "standing": "Signed by Dr. Ada Berg, 28 Nov 2026, 14:32 CET",
        "patient": [("Name", "Erika Mustermann"), ("Born", "2 Mar 1940 (86 y)")],
        "patient_line": "Erika Mustermann, born 2 Mar 1940, MRN 7",
        "sections": [Section("Conclusion", [text(CONCLUSION)])],
        "printed": "Printed on 28 Nov 2026, 15:02 CET by Dr. Ada Berg",
        "drafted": "Drafted by AI; decided by Dr. Ada Berg.",
        "reference": "Task/7, revision 1",
    }
    return Report(**given | more)


def pages(report: Report) -> list[str]:
    """The text of each page, with single blanks."""
    return pages_of(pdf(report))


def pages_of(made: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(made)).pages]
