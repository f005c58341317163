"""What went wrong, as a page that says what to do. Never with patient data in it."""

import logging
from typing import Final

from flask import Blueprint, render_template
from werkzeug.exceptions import HTTPException

from services.review.result.result import NoResult
from shared.errors import FhirError, InvalidResource, Misconfigured, Unavailable
from shared.web.logs import trace

log = logging.getLogger(__name__)
TITLES: Final = {
    400: "That form can't be used",
    401: "Please log in again",
    403: "You may not do this",
    404: "Not found",
    405: "Not possible here",
    413: "Too large",
    429: "Too many attempts",
    502: "The record system refused",
    503: "Not available now",
}


def register(bp: Blueprint) -> None:
    """The handlers."""
    bp.register_error_handler(HTTPException, http_error)
    bp.register_error_handler(NoResult, no_result)
    bp.register_error_handler(Unavailable, unavailable)
    bp.register_error_handler(FhirError, refused)
    bp.register_error_handler(InvalidResource, invalid)
    bp.register_error_handler(Misconfigured, invalid)
    bp.register_error_handler(Exception, unexpected)


def page(status: int, message: str) -> tuple[str, int]:
    """The error page."""
    return render_template(
        "problem.html",
        status=status,
        title=TITLES.get(status, "Something went wrong"),
        message=message,
    ), status


def http_error(error: HTTPException) -> tuple[str, int]:
    """Whatever a view aborted with."""
    return page(error.code or 500, error.description or "")


def no_result(_: NoResult) -> tuple[str, int]:
    """A head that is not there."""
    return page(404, "There is no such result in the record. It may have been removed.")


def unavailable(error: Unavailable) -> tuple[str, int]:
    """The EHR is away."""
    log.warning("review: %s", error)
    return page(503, "The record system does not answer. Nothing was saved. Try again in a moment.")


def refused(error: FhirError) -> tuple[str, int]:
    """The EHR said no."""
    log.error("review: %s", error)
    return page(
        502,
        f"The record system refused the request (HTTP {error.status}). Nothing was saved. Tell "
        "your technical team.",
    )


def invalid(error: Exception) -> tuple[str, int]:
    """A rule of FHIR or of ours is broken: names the place, never a value."""
    log.error("review: %s", error)
    return page(
        502,
        "What would have been written breaks a rule of the record, so nothing was saved. Tell your "
        "technical team; the log says which rule.",
    )


def unexpected(error: Exception) -> tuple[str, int]:
    """Log a bug of ours by its place.

    Without the values that a traceback may quote.
    """
    log.error("review: unexpected %s", type(error).__name__, extra={"traceback": trace(error)})
    return page(
        500,
        "Something went wrong on our side. Nothing was saved. Tell your technical team; the log "
        "says where.",
    )
