"""Urgent results that somebody acknowledges, for the tests of review."""

import re
from collections.abc import Callable

from werkzeug.test import TestResponse

from shared.fhir.urgency.acknowledgement import acknowledgement_of
from tests.browser.clinic import Clinic
from tests.integration.review.support import Visitor

LATE = '{"urgent": 0.0001}'
"""Overdue after 6 ms."""


def somebody_else(visit: Callable[..., Visitor], practitioner: str) -> Visitor:
    entered = visit(review_local_user=f"roth:{practitioner}", review_acknowledge=LATE)
    assert entered.log_in("roth").status_code == 303
    entered.get("/")
    return entered


def version(visitor: Visitor, task: str) -> str:
    """The version of the head, as the form on the result's page sends it."""
    found = re.search(r'name="version" value="([^"]+)"', visitor.get(f"/results/{task}"))
    return found[1] if found else ""


def acknowledge(visitor: Visitor, task: str, known: str = "", **fields: str) -> TestResponse:
    return visitor.post(
        f"/results/{task}/acknowledgement", version=known or version(visitor, task), **fields
    )


def acknowledged(clinic: Clinic, task: str) -> str:
    """Who acknowledged it; empty: nobody."""
    seen = acknowledgement_of(clinic.task(task))
    return seen.person if seen else ""
