"""What services declare of their results' page.

Titles, headings and sections of their own.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from services import catalogue
from shared.errors import Misconfigured
from shared.json import Json
from shared.panel import Panel, Row, Section

log = logging.getLogger(__name__)
UNSHOWN = "This part can't be shown"


def panel_of(service: str) -> Panel:
    """Return the service's panel; a plain one where its package is not installed here."""
    try:
        return catalogue.analyser(service).panel
    except Misconfigured:
        return Panel(title=service or "Result")


def is_per_patient(service: str) -> bool:
    """Tell whether the service's results are about the whole patient."""
    try:
        return catalogue.analyser(service).per_patient
    except Misconfigured:
        return False


def shows_film(service: str) -> bool:
    """Tell whether the service's results are read off a film that the page shows."""
    return "film" in panel_of(service).parts


def sections(service: str, outputs: Mapping[str, Json]) -> Sequence[Section]:
    """Return the sections that the service adds.

    Of one that fails, that it can't be shown.
    """
    try:
        return [
            replace(section, rows=[_row(row) for row in section.rows])
            for section in panel_of(service).sections(outputs)
        ]
    except Exception as error:  # a service's own code: the rest of the page must stand
        log.error("the panel of %s: unexpected %s", service, type(error).__name__)
        return [Section(UNSHOWN, (), ())]


def _row(row: Row) -> Row:
    """Return the row with its cells as texts.

    What can't be drawn fails here, not on the page.
    """
    return replace(row, cells=tuple(str(cell) for cell in row.cells))
