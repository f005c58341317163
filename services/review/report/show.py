"""The signed report as a PDF, to print."""

import logging
from typing import Final, cast

from flask import Blueprint, Response, abort

from services.review.access.session import User, current
from services.review.ahead.report import of_report
from services.review.disclosure import allowed, trail
from services.review.report import standing
from services.review.report.build import report_of
from services.review.report.paper import pdf
from services.review.result.read import gather
from services.review.state import review

log = logging.getLogger(__name__)
NAME: Final = "careloop-report.pdf"
"""Of the file: it says nothing of the patient."""


def register(bp: Blueprint) -> None:
    """The routes."""
    bp.add_url_rule("/results/<task_id>/report.pdf", "report", show_report)


def show_report(task_id: str) -> Response:
    """The report of a result that was signed; 409 with the reason where there is none."""
    shared, user = review(), cast(User, current())
    result = gather(shared.ehr, task_id, of_report)
    reading = allowed.reading_of(shared, user, result)
    refused = standing.why_not(result)
    if refused or result.focus is None:
        abort(409, refused or standing.GONE)
    trail.read_result(shared, user, result, in_emergency=reading.in_emergency)
    made = pdf(report_of(shared, user, result, result.focus))
    log.info("review: the report of %s was printed", result.head.reference)
    answer = Response(made, content_type="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{NAME}"'
    return answer
