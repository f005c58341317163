"""Claim a result, hand it over, delegate it: the owner of a head that waits.

An owner is a promise to look at it. It takes no right from anybody: whoever may sign a result may
sign it still.
"""

import logging
from typing import Final, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from services.review import present
from services.review.access import signing
from services.review.access.practitioner import Practitioner
from services.review.access.session import User, check_csrf, current
from services.review.access.staff import is_active
from services.review.disclosure import allowed, film_first
from services.review.lists.show import here
from services.review.lists.writing import CHANGED, write
from services.review.person.folding import folded, forms
from services.review.result.asking.named import focus_of
from services.review.result.read import head_by_id
from services.review.result.urgency import read_urgency
from services.review.state import Review, review
from services.review.worklist.kept.marks import mark_of
from shared import instants
from shared.answers import Head
from shared.ehr.ahead import reading
from shared.fhir import heads
from shared.fhir.urgency import acknowledgement
from shared.fhir.urgency.priority import Priority
from shared.json import Json
from shared.references import is_a, local_reference, relative

log = logging.getLogger(__name__)
MOST: Final = 20
"""Colleagues found at once."""
NOT_WAITING: Final = "Nothing waits here any more: nobody can claim it."


def register(bp: Blueprint) -> None:
    """The routes."""
    bp.add_url_rule("/results/<task_id>/owner", "owner", show_owner)
    bp.add_url_rule("/results/<task_id>/owner", "set_owner", set_owner, methods=["POST"])


def show_owner(task_id: str) -> str:
    """Choose a colleague to hand the result over to, by name."""
    shared = review()
    head = _waiting(shared, task_id)
    allowed.reading_of_head(shared, cast(User, current()), head)
    name = request.args.get("colleague", "").strip()[:100]
    return render_template(
        "owner.html",
        task_id=task_id,
        version=mark_of(head.task).version,
        owner=head.task.get("owner") or {},
        colleague=name,
        here=here(),
        found=_colleagues(shared, name) if name else [],
    )


def set_owner(task_id: str) -> Response:
    """Set the owner named in the form, or nobody; 409 when the result changed since."""
    check_csrf()
    shared = review()
    head = _waiting(shared, task_id)
    me = _signer(shared, head)
    if request.form.get("version") != mark_of(head.task).version:
        abort(409, CHANGED)
    owner = _owner(shared, me)
    task, urgency = _owned(head, owner, instants.now()), read_urgency(shared.ehr, head)
    if owner == me and not film_first.hides(shared, cast(User, current()), head):
        task = _acknowledged(task, me, urgency)
    write(shared, head, task)
    if acknowledgement.acknowledgement_of(task):
        shared.metrics.seen(head.task, urgency)

    shared.feed.look(task_id)
    log.info("review: the owner of %s was set", head.reference)
    flash(_said(owner, me, is_new=_is_new(head.task, task)))
    return redirect(url_for("review.worklist", **here()), 303)


def _waiting(shared: Review, task_id: str) -> Head:
    head = head_by_id(shared.ehr, task_id)
    if head.outcome != "requested":
        abort(409, NOT_WAITING)
    return head


def _signer(shared: Review, head: Head) -> Practitioner:
    """Return who asks; abort with 403 where she could not decide on it."""
    shared, user = shared.remembering(), cast(User, current())
    asked = map(reading, (focus_of(head), user.practitioner))
    shared.ehr.ahead([*asked, *allowed.questions_of_head(shared, user, head)])
    if allowed.reading_of_head(shared, user, head).in_emergency:
        abort(403, signing.IN_EMERGENCY)
    focus = shared.ehr.read(focus_of(head))
    if focus is None:
        abort(409, NOT_WAITING)
    if refusal := signing.refusal(user, focus, shared.roles):
        abort(403, refusal)
    if not is_active(shared.ehr.read(user.practitioner)):
        abort(403, signing.NOT_ACTIVE)
    return user.signer


def _owner(shared: Review, me: Practitioner) -> Practitioner | None:
    """Return who is to be the owner; None: nobody."""
    named = request.form.get("owner", "")
    if named in ("", "me"):
        return me if named else None
    person = shared.ehr.read(named) if is_a(named, "Practitioner") else None
    if person is None or not is_active(person):
        abort(400, "There is no such colleague at work. Choose another.")
    return Practitioner(local_reference(person), present.human_name(person))


def _owned(head: Head, owner: Practitioner | None, now: str) -> Json:
    """Build the head with its owner.

    Who gives it back stands for it no longer, so somebody has to acknowledge it anew. To hand it
    over says nothing of the colleague.
    """
    task = heads.owned(head, (owner.reference, owner.name) if owner else None, now)
    seen = acknowledgement.acknowledgement_of(task)
    before = relative((head.task.get("owner") or {}).get("reference", ""))
    if owner is None and seen and seen.person == before:
        return acknowledgement.unacknowledged(task)
    return task


def _acknowledged(task: Json, me: Practitioner, urgency: Priority) -> Json:
    """Note that who claims an urgent result has seen it."""
    if urgency not in acknowledgement.URGENT:
        return task
    return acknowledgement.acknowledged(task, me.reference, me.name, instants.now())


def _colleagues(shared: Review, name: str) -> list[tuple[str, str]]:
    """Find Practitioners at work by the beginning of a name: (reference, name)."""
    hits = shared.ehr.search("Practitioner", {"name": name, "_count": str(MOST)})
    words = folded(name).split()
    found: list[tuple[str, str]] = []
    for person in hits:
        if is_active(person) and _is_called(person, words):
            found.append((local_reference(person), present.human_name(person)))
        if len(found) >= MOST:
            break
    return found


def _is_called(person: Json, words: list[str]) -> bool:
    """Tell whether the name fits: a server may ignore the parameter."""
    parts = forms(present.human_name(person))
    return all(any(part.startswith(word) for part in parts) for word in words)


def _is_new(before: Json, now: Json) -> bool:
    """Tell whether this claim has acknowledged it."""
    seen = acknowledgement.acknowledgement_of
    return seen(now) is not None and seen(before) is None


def _said(owner: Practitioner | None, me: Practitioner, *, is_new: bool) -> str:
    if owner is None:
        return "Given back: nobody has claimed it now."
    if owner != me:
        return f"Handed over to {owner.name}. Nobody was told: call her or him."
    return "Claimed, and acknowledged under your name." if is_new else "Claimed: it is yours."
