"""The pictures of a result: its heat maps, and the film beneath them."""

from typing import Any, Final, cast

from flask import Blueprint, Response, abort, redirect, url_for

from services.review.access.first_look import note_look
from services.review.access.session import User, check_csrf, current
from services.review.ahead.page import of_film
from services.review.disclosure import allowed, film_first, trail
from services.review.result import evidence
from services.review.result.film import film_of
from services.review.result.read import gather, head_by_id
from services.review.state import review
from shared import instants
from shared.ehr.ahead import Question
from shared.references import is_a, subject_of

LOOK_FIRST: Final = "Look at the film first: open the result, then this picture."


def register(bp: Blueprint) -> None:
    """The routes."""
    bp.add_url_rule("/results/<task_id>/media/<key>", "media", show_media)
    bp.add_url_rule("/results/<task_id>/film", "film", show_film)
    bp.add_url_rule("/results/<task_id>/look", "look", end_look, methods=["POST"])


def show_film(task_id: str) -> Any:
    """The film that the heat map is laid over."""
    shared, user = review(), cast(User, current())
    result = gather(shared.ehr, task_id, of_film)
    reading = allowed.reading_of(shared, user, result)
    film = film_of(shared.ehr, shared.settings, shared.films, result)
    if film.problem:
        abort(404, film.problem)
    trail.read_film(shared, user, result, in_emergency=reading.in_emergency)
    return Response(film.png, content_type="image/png")


def end_look(task_id: str) -> Any:
    """End the first look at the film: the AI's answer is shown from now on."""
    check_csrf()
    shared, user = review(), cast(User, current())
    head = head_by_id(shared.ehr, task_id)
    allowed.reading_of_head(shared, user, head)
    note_look(task_id, head.outputs.values(), instants.now())
    return redirect(url_for("review.result", task_id=task_id), 303)


def show_media(task_id: str, key: str) -> Any:
    """One Media of the result, if it is the head's patient's."""
    shared, user = review().remembering(), cast(User, current())
    head = head_by_id(shared.ehr, task_id)
    reference = head.outputs.get(key, "")
    named = [Question(reference)] if is_a(reference, "Media") else []
    shared.ehr.ahead([*named, *allowed.questions_of_head(shared, user, head)])
    reading = allowed.reading_of_head(shared, user, head)
    if film_first.hides_parts(shared, user, head):
        abort(409, LOOK_FIRST)
    media = shared.ehr.read(reference) if named else None
    picture = (
        evidence.picture(media) if media and subject_of(media) == subject_of(head.task) else None
    )
    if picture is None:
        abort(404, "There is no such picture.")
    trail.read_part(
        shared,
        user,
        subject_of(head.task),
        [head.reference, reference],
        in_emergency=reading.in_emergency,
    )
    data, content_type = picture
    return Response(data, content_type=content_type)
