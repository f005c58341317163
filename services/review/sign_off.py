"""Sign, amend, reject: a form becomes a transaction."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, cast

from flask import Blueprint, abort, flash, redirect, request, url_for

from services.review.access import signing
from services.review.access.practitioner import Practitioner
from services.review.access.session import User, check_csrf, current
from services.review.access.staff import is_active
from services.review.ahead.page import of_decision, of_page
from services.review.banner.patient import unseen_death
from services.review.decision import decide, form, typed
from services.review.decision.decide import Decision
from services.review.decision.exchange import beside, entries
from services.review.decision.exchange.exchange import Ending, all_by_task
from services.review.decision.exchange.reading import Meeting, meeting_of
from services.review.decision.inputs import Unsigned, unsigned
from services.review.disclosure import allowed, film_first, trail
from services.review.pages import result_page
from services.review.result.merged import unseen_doubt
from services.review.result.read import gather
from services.review.result.result import Result
from services.review.state import Review, review
from shared import instants
from shared.ehr.guarded import transact
from shared.errors import Conflict, FhirError
from shared.fhir import bundle
from shared.fhir.urgency.priority import urgency_of
from shared.references import local_reference

log = logging.getLogger(__name__)
DONE: Final = {
    "signed": "Signed. The result is final.",
    "amended": "Amended and signed. The result is final.",
    "rejected": "Rejected. The result is withdrawn.",
}
UNCHANGED: Final = "You changed nothing and confirmed every part: it is signed as it stands."
NOT_STOPPED: Final = (
    "{}, but NOT stopped: {}. Both drugs are active now. Call the prescriber: nobody was told."
)
SIGNED: Final = {"signed": "Signed", "amended": "Amended and signed"}
FORBIDS: Final = frozenset({403, 405, 422})
"""How an EHR refuses to have an order changed."""


def register(bp: Blueprint) -> None:
    """The routes."""
    bp.add_url_rule("/results/<task_id>/decision", "decision", post_decision, methods=["POST"])
    bp.add_url_rule("/results/<task_id>/close", "close", post_close, methods=["POST"])
    bp.add_app_template_filter(typed.seen, "seen")


def post_decision(task_id: str) -> Any:
    """Decide on what the page showed.

    409 with the new page when it has changed since, or when the film was to be seen first.
    """
    check_csrf()
    shared, user = review(), cast(User, current())
    result = gather(shared.ehr, task_id, of_decision(user.practitioner))
    practitioner = _signer(shared, result)
    is_shown = not film_first.look_of(shared, cast(User, current()), result).is_first
    if not (result.waits and is_shown) or request.form.get("stamp") != result.stamp:
        return _changed(shared, task_id)
    resting = unsigned(shared.ehr, result)
    decision = _decision(result, resting)
    unsound = (result.stale_sources or result.is_misplaced) and decision.kind != "rejected"
    met = _met(shared, result, decision)
    if unsound or met is None:
        return _changed(shared, task_id)
    gone = decide.withdrawn(result.outputs, decision)
    ends, doubled = met.exchanges.ends(gone), beside.ordered(met.besides, gone)
    decision = replace(decision, beside=tuple(each.words for each in doubled))
    if unseen := _unseen(result, decision):
        return result_page(result, error=unseen), 400
    problem = form.problem(request.form, decision, result, resting, doubled)
    if problem.words:
        return result_page(result, error=problem.words, questions=problem.questions), 400
    try:
        ended = _decided(shared, result, decision, practitioner, ends)
    except Conflict:
        return _changed(shared, task_id)
    shared.metrics.decisions.labels(decision.kind).inc()
    task = result.head.task
    shared.metrics.seen(task, urgency_of(task, result.outputs.values()))
    log.info("review: %s %s", decision.kind, result.head.reference)
    if decision.kind != form.KINDS[request.form["action"]]:
        flash(UNCHANGED)
    _tell(decision, [end.order.name for end in ended if end.how == "task"])
    return redirect(url_for("review.result", task_id=task_id), 303)


def _unseen(result: Result, decision: Decision) -> str:
    """Say what of the patient's record a signer has not ticked; empty: nothing."""
    asked = (unseen_death, unseen_doubt)
    return next(filter(None, (ask(result, request.form, decision.kind) for ask in asked)), "")


def _tell(decision: Decision, left: Sequence[str]) -> None:
    """Say what was done; in red where an order that is replaced goes on."""
    if left:
        flash(NOT_STOPPED.format(SIGNED[decision.kind], "; ".join(left)), "bad")
    else:
        flash(DONE[decision.kind], "good")


def post_close(task_id: str) -> Any:
    """Close the head of a result that another client has decided on.

    That decision stays.
    """
    check_csrf()
    shared, user = review(), cast(User, current())
    result = gather(shared.ehr, task_id, of_decision(user.practitioner))
    practitioner = _signer(shared, result)
    if (
        not result.decided_elsewhere
        or result.focus is None
        or request.form.get("stamp") != result.stamp
    ):
        return _changed(shared, task_id)
    transaction = decide.closing(result.head, result.focus, practitioner, instants.now())
    try:
        _carry_out(shared, result, transaction)
    except Conflict:
        return _changed(shared, task_id)
    flash("Taken off the worklist. The decision made elsewhere stands.")
    return redirect(url_for("review.result", task_id=task_id), 303)


def _changed(shared: Review, task_id: str) -> tuple[str, int]:
    """Render what changed meanwhile, read again: half of the first reading may be old."""
    return result_page(gather(shared.ehr, task_id, of_page), changed=True), 409


def _signer(shared: Review, result: Result) -> Practitioner:
    """Who signs; aborts with 403 and what to do where the user may not.

    Read in this very request: a session outlives an account that was closed.
    """
    user = cast(User, current())
    if result.focus is None:
        abort(404, "There is no result here to decide on.")
    if allowed.reading_of(shared, user, result).in_emergency:
        abort(403, signing.IN_EMERGENCY)
    if refusal := signing.refusal(user, result.focus, shared.roles):
        abort(403, refusal)
    if not is_active(result.at(shared.ehr).read(user.practitioner)):
        abort(403, signing.NOT_ACTIVE)
    return user.signer


def _decision(result: Result, resting: Sequence[Unsigned]) -> Decision:
    kind = form.KINDS.get(request.form.get("action", ""))
    if kind is None:
        abort(400, "The form does not say whether to sign, amend or reject.")
    return form.decision_of(request.form, kind, result, resting)


def _met(shared: Review, result: Result, decision: Decision) -> Meeting | None:
    """Read the standing orders anew; None: the page named others that end."""
    if decision.kind == "rejected":
        return Meeting()
    read_only = shared.settings.review_orders_read_only
    met = meeting_of(shared.ehr, result, read_only=read_only)
    return met if request.form.get("orders", "") == met.exchanges.stamp else None


def _decided(
    shared: Review,
    result: Result,
    decision: Decision,
    practitioner: Practitioner,
    ends: Sequence[Ending],
) -> Sequence[Ending]:
    """Write the decision; return how the orders end.

    Raises:
        Conflict: somebody else was first.
    """
    old = [end.order.resource for end in ends]
    try:
        _carry_out(shared, result, _transaction(result, decision, practitioner, ends), old)
    except FhirError as error:
        # Some EHRs let careloop write its own drafts, and not end the orders of others.
        if error.status not in FORBIDS or all(end.how == "task" for end in ends):
            raise
        log.info("review: the EHR stops no order (HTTP %d): Tasks instead", error.status)
        ends = all_by_task(ends)
        _carry_out(shared, result, _transaction(result, decision, practitioner, ends), old)
    return ends


def _transaction(
    result: Result, decision: Decision, practitioner: Practitioner, ends: Sequence[Ending]
) -> dict[str, Any]:
    now = instants.now()
    said = replace(decision, ended=tuple(entries.sentences(ends)))
    ended = entries.entries(ends, result.head, result.subject, practitioner, now)
    return decide.transaction(result.head, result.outputs, said, practitioner, now, ended=ended)


def _carry_out(
    shared: Review,
    result: Result,
    transaction: dict[str, Any],
    orders: Sequence[dict[str, Any]] = (),
) -> None:
    """Write it with its audit event, in one transaction.

    Args:
        orders: what it ends, as read: put back where the EHR keeps only a part.

    Raises:
        Conflict: somebody else was first.
    """
    changed = [e["resource"] for e in transaction["entry"] if e["request"]["method"] == "PUT"]
    references = [local_reference(r) for r in changed]
    event = trail.decision(shared, cast(User, current()), result.subject, references)
    audited = bundle.post(event, decide.entry_uuid(result.head, "AuditEvent"))
    transact(
        shared.ehr,
        bundle.checked([*transaction["entry"], audited]),
        before=[result.head.task, *orders, *result.outputs.values()],
    )
    shared.feed.look(result.task_id)
