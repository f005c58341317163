"""Acknowledge an urgent result: somebody with a name says that she has seen it.

It is no decision and no claim. Whoever may read the result may say so; opening its page says
nothing. To claim it or to decide on it says so, too.
"""

import logging
from typing import Final, cast

from flask import Blueprint, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from services.review.access import signing
from services.review.access.first_look import sees_film_first
from services.review.access.session import User, check_csrf, current
from services.review.access.staff import is_active
from services.review.ahead.page import of_page
from services.review.disclosure import allowed, film_first
from services.review.lists.show import here
from services.review.lists.writing import CHANGED, write
from services.review.panels.declared import is_per_patient
from services.review.person.names import SOMEBODY
from services.review.result.read import gather, head_by_id, service_of
from services.review.result.urgency import read_urgency
from services.review.state import Review, review
from services.review.worklist.kept.marks import mark_of
from shared import instants
from shared.answers import Head
from shared.ehr.ahead import reading
from shared.fhir import heads
from shared.fhir.urgency.acknowledgement import acknowledgement_of

log = logging.getLogger(__name__)
NOT_WAITING: Final = "This result does not wait any more: there is nothing to acknowledge."
LOOK_FIRST: Final = "Look at the film first: open the result, then acknowledge it."
DONE: Final = "Acknowledged: the record says that you have seen this result."
BEFORE: Final = "{} acknowledged it before. That stands."


def register(bp: Blueprint) -> None:
    """The routes."""
    address = "/results/<task_id>/acknowledgement"
    bp.add_url_rule(address, "acknowledge", acknowledge, methods=["POST"])


def acknowledge(task_id: str) -> Response:
    """Write who has seen it, and when; 409 when the result changed since it was shown."""
    check_csrf()
    shared, user = review(), cast(User, current())
    head = head_by_id(shared.ehr, task_id)
    _check(shared, user, head)
    if seen := acknowledgement_of(head.task):
        flash(BEFORE.format(seen.name or SOMEBODY.capitalize()))
        return _back(task_id)
    if request.form.get("version") != mark_of(head.task).version:
        abort(409, CHANGED)

    urgency = read_urgency(shared.ehr, head)
    write(shared, head, heads.acknowledged(head, user.practitioner, user.name, instants.now()))
    shared.metrics.seen(head.task, urgency)
    shared.feed.look(task_id)
    log.info("review: %s was acknowledged", head.reference)
    flash(DONE)
    return _back(task_id)


def _check(shared: Review, user: User, head: Head) -> None:
    """Abort where the user may not say so, or nobody asks."""
    shared = shared.remembering()
    shared.ehr.ahead([reading(user.practitioner), *allowed.questions_of_head(shared, user, head)])
    if allowed.reading_of_head(shared, user, head).in_emergency:
        abort(403, signing.IN_EMERGENCY)
    if not is_active(shared.ehr.read(user.practitioner)):
        abort(403, signing.NOT_ACTIVE)
    if head.outcome != "requested":
        abort(409, NOT_WAITING)
    if _is_unseen(shared, user, head):
        abort(409, LOOK_FIRST)


def _is_unseen(shared: Review, user: User, head: Head) -> bool:
    """Tell whether a look at a film comes first.

    What a plan rests on is told by its page alone.
    """
    is_first = sees_film_first(user, shared.settings.review_film_first)
    if not is_first or not is_per_patient(service_of(head.task)):
        return film_first.hides_parts(shared, user, head)
    result = gather(shared.ehr, head.reference.split("/", 1)[1], of_page)
    return film_first.look_of(shared, user, result).is_first


def _back(task_id: str) -> Response:
    """Go back to where the form stood."""
    if request.form.get("page") == "result":
        return redirect(url_for("review.result", task_id=task_id), 303)
    return redirect(url_for("review.worklist", **here()), 303)
