"""Emergency access ("break the glass"): one patient, a reason, a limited time."""

import logging
import time
from typing import Any, Final, cast

from flask import Blueprint, abort, redirect, render_template, request, url_for

from services.review.access import session
from services.review.access.reading import MayNotRead
from services.review.access.session import User, check_csrf, current
from services.review.decision import typed
from services.review.disclosure import trail
from services.review.result.read import head_by_id
from services.review.result.result import NoResult
from services.review.state import review
from shared.errors import CareloopError
from shared.references import is_a, subject_of

log = logging.getLogger(__name__)
LEAST_LETTERS: Final = 8
MOST: Final = 1_000
NEEDS_WORDS: Final = "Say in a few words why you need this record now."
NOT_HERE: Final = "There is no emergency access in this installation. Ask a colleague who may read."


def register(bp: Blueprint) -> None:
    """The routes, and the page of what a user may not read."""
    bp.add_url_rule("/results/<task_id>/emergency", "emergency", post_emergency, methods=["POST"])
    bp.add_url_rule("/emergency/end", "emergency_end", post_end, methods=["POST"])
    bp.register_error_handler(MayNotRead, may_not_read)


def may_not_read(refused: MayNotRead) -> tuple[str, int]:
    """Say why the result is not shown, and offer an emergency access.

    The attempt is recorded; where it can't be, there is still nothing of the patient to hide.
    """
    task_id = (request.view_args or {}).get("task_id")
    try:
        trail.refuse(review(), cast(User, current()), refused.patient, f"Task/{task_id}")
    except CareloopError as error:
        log.warning("review: a refused look is not recorded: %s", error)
    return _page(str(refused))


def post_emergency(task_id: str) -> Any:
    """Record why, then open the record of this result's patient for a while."""
    check_csrf()
    shared, user, at = review(), cast(User, current()), time.time()
    if not shared.settings.review_emergency_sec:
        abort(403, NOT_HERE)
    patient = subject_of(head_by_id(shared.ehr, task_id).task)
    if not is_a(patient, "Patient"):
        raise NoResult(f"Task/{task_id} names no patient")
    reason = typed.plain(request.form.get("reason", ""))
    if problem := problem_of(reason):
        return _page("", problem, reason)

    until = at + shared.settings.review_emergency_sec
    trail.begin_emergency(shared, user, str(patient), reason, session.until_text(until))
    session.begin_emergency(str(patient), at, until)
    shared.metrics.emergencies.inc()
    return redirect(url_for("review.result", task_id=task_id), 303)


def post_end() -> Any:
    """End it before its time."""
    check_csrf()
    session.end_emergency()
    return redirect(url_for("review.worklist"), 303)


def problem_of(reason: str) -> str:
    """Say what is wrong with a reason (pure); empty: nothing."""
    if words := typed.problem(reason, "reason", MOST):
        return words
    letters = {c.casefold() for c in reason if c.isalpha()}
    enough = sum(c.isalpha() for c in reason) >= LEAST_LETTERS and len(letters) > 2
    return "" if enough else NEEDS_WORDS


def _page(message: str, problem: str = "", reason: str = "") -> tuple[str, int]:
    minutes = round(review().settings.review_emergency_sec / 60)
    page = render_template(
        "forbidden.html",
        message=message,
        problem=problem,
        reason=reason,
        minutes=minutes,
        task_id=(request.view_args or {}).get("task_id"),
    )
    return page, 400 if problem else 403
