"""A result with its evidence, a model card."""

from collections.abc import Sequence
from typing import Any, cast

from flask import Blueprint, abort, redirect, render_template, request, url_for

from services.review.access.session import User, current
from services.review.ahead.page import of_page
from services.review.decision.consistency.contradictions import Contradiction
from services.review.disclosure import allowed, film_first, trail
from services.review.disclosure.film_first import Look
from services.review.origin.technical import technical
from services.review.page import heading_of, page_of
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
        return result_page(gather(ehr, task_id, of_page))
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
    """Render the page; the film alone where this user is to look at it first.

    Args:
        error: what was wrong with a form; what was typed is kept.
        questions: contradictions of the form, to which an answer is wanted.
        changed: the result changed while somebody was about to decide on it.

    Raises:
        MayNotRead: this user may not read it.
    """
    shared, user = review(), _user()
    reading = allowed.reading_of(shared, user, result)
    look = film_first.look_of(shared, user, result)
    if look.is_first:
        return _film_page(result, look, in_emergency=reading.in_emergency, changed=changed)
    trail.read_result(shared, user, result, in_emergency=reading.in_emergency)
    film_first.note_shown(shared, user, result)
    page = page_of(shared, user, result)

    return render_template(
        "result.html",
        page=page,
        result=result,
        look=look,
        technical=technical(result),
        error=error,
        questions=questions,
        changed=changed,
        entered=request.form,
    )


def _film_page(result: Result, look: Look, *, in_emergency: bool, changed: bool) -> str:
    """Render the film, or the way to the films, without a word of the AI."""
    shared, user = review(), _user()
    trail.read_film(shared, user, result, in_emergency=in_emergency)
    return render_template(
        "first_look.html",
        page={"heading": heading_of(shared, user, result)},
        result=result,
        look=look,
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
