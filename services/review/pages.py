"""A result with its evidence, a model card."""

from collections.abc import Sequence
from typing import Any, cast

from flask import Blueprint, abort, redirect, render_template, request, url_for

from services.review.access.session import User, current
from services.review.decision.consistency.contradictions import Contradiction
from services.review.disclosure import allowed, trail
from services.review.page import page_of
from services.review.result import evidence
from services.review.result.read import gather, newest_head
from services.review.result.result import NoResult, Result
from services.review.state import review
from shared.fhir import codes


def register(bp: Blueprint) -> None:
    """The routes."""
    bp.add_url_rule("/results/<task_id>", "result", show_result)
    bp.add_url_rule("/models/<device_id>", "model", show_model)


def _user() -> User:
    return cast(User, current())  # require_login


def show_result(task_id: str) -> Any:
    """One result, with the forms to decide on it.

    The answer's uuid is an address, too: it leads to its newest revision.
    """
    ehr = review().ehr
    try:
        return result_page(gather(ehr, task_id))
    except NoResult:
        head = newest_head(ehr, task_id)
        if head is None:
            raise
        return redirect(url_for("review.result", task_id=head.reference.split("/", 1)[1]))


def result_page(
    result: Result,
    *,
    error: str = "",
    questions: Sequence[Contradiction] = (),
    changed: bool = False,
) -> str:
    """Render the page.

    Args:
        error: what was wrong with a form; what was typed is kept.
        questions: contradictions of the form, to which an answer is wanted.
        changed: the result changed while somebody was about to decide on it.

    Raises:
        MayNotRead: this user may not read it.
    """
    shared, user = review(), _user()
    reading = allowed.reading_of(shared, user, result)
    trail.read_result(shared, user, result, in_emergency=reading.in_emergency)
    page = page_of(shared, user, result)

    return render_template(
        "result.html",
        page=page,
        result=result,
        error=error,
        questions=questions,
        changed=changed,
        entered=request.form,
    )


def show_model(device_id: str) -> Any:
    """The card of a model that spoke."""
    shared = review()
    device = shared.ehr.read(f"Device/{device_id}")
    if device is None or not any(
        i.get("system") == codes.MODEL for i in device.get("identifier", [])
    ):
        abort(404, "There is no such model.")
    return render_template(
        "model.html", model=evidence.model(device), card=evidence.card_html(shared.ehr, device)
    )
