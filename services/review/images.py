"""The pictures of a result: its heat maps, and the film beneath them."""

from typing import Any, cast

from flask import Blueprint, Response, abort

from services.review.access.session import User, current
from services.review.disclosure import allowed, trail
from services.review.result import evidence
from services.review.result.film import film_of
from services.review.result.read import gather, head_by_id
from services.review.state import review
from shared.references import is_a, local_reference, subject_of


def register(bp: Blueprint) -> None:
    """The routes."""
    bp.add_url_rule("/results/<task_id>/media/<key>", "media", show_media)
    bp.add_url_rule("/results/<task_id>/film", "film", show_film)


def show_film(task_id: str) -> Any:
    """The film that the heat map is laid over."""
    shared, user = review(), cast(User, current())
    result = gather(shared.ehr, task_id)
    reading = allowed.reading_of(shared, user, result)
    film = film_of(shared.ehr, shared.settings, shared.films, result)
    if film.problem:
        abort(404, film.problem)
    studies = [local_reference(r) for r in result.sources if r["resourceType"] == "ImagingStudy"]
    trail.read_part(
        shared,
        user,
        result.patient_reference,
        [result.head.reference, *studies],
        in_emergency=reading.in_emergency,
    )
    return Response(film.png, content_type="image/png")


def show_media(task_id: str, key: str) -> Any:
    """One Media of the result, if it is the head's patient's."""
    shared, user = review(), cast(User, current())
    head = head_by_id(shared.ehr, task_id)
    reading = allowed.reading_of_head(shared, user, head)
    reference = head.outputs.get(key, "")
    media = shared.ehr.read(reference) if is_a(reference, "Media") else None
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
