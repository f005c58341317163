"""The list itself, as asked for by its filters."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from flask import Blueprint, Response, abort, render_template, request

from services.catalogue import analyser_names
from services.review.access.session import User, current
from services.review.critical import due
from services.review.critical.due import Due
from services.review.critical.limits import Deadlines
from services.review.decision.decide import DECIDED_ELSEWHERE
from services.review.disclosure import allowed, film_first, trail
from services.review.state import Review, review
from services.review.worklist import listing
from services.review.worklist.kept.query import NOBODY, Allowed, Filter, place_of
from services.review.worklist.listing import Row
from shared.fhir.urgency.priority import PRIORITIES
from shared.instants import instant

MAX_WORDS: Final = 100
AGES: Final[Mapping[str, tuple[str, timedelta]]] = {
    "1h": ("1 hour", timedelta(hours=1)),
    "4h": ("4 hours", timedelta(hours=4)),
    "1d": ("1 day", timedelta(days=1)),
    "3d": ("3 days", timedelta(days=3)),
    "7d": ("1 week", timedelta(days=7)),
}
"""How long something has waited at least, by what a link calls it."""
OWNERS: Final = {"mine": "Mine", "nobody": "Nobody's"}
ACKNOWLEDGED: Final = {"overdue": "Overdue", "open": "Not acknowledged"}
NO_LIST: Final = "There is no such list. Start again from the worklist."
TOO_LONG: Final = f"Search for at most {MAX_WORDS} characters. Go back and shorten them."


def register(bp: Blueprint) -> None:
    """The routes."""
    bp.add_url_rule("/", "worklist", show_worklist)
    bp.add_url_rule("/changes", "changes", show_changes)


def show_worklist() -> str:
    """The heads of one outcome, with how many there are of each.

    The EHR is not asked for it.
    """
    shared, user = review(), cast(User, current())
    feed = shared.feed
    feed.refresh()
    wanted, place = _filter(shared, user), None
    try:
        for name in ("after", "before"):
            if text := request.args.get(name):
                place = place_of(text, wanted, is_before=name == "before")
    except ValueError:
        abort(400, NO_LIST)

    may_see = film_first.search(shared, user, allowed.list_of(shared, user))
    listed = listing.worklist(feed.index, wanted, place, may_see)
    rows = film_first.rows(shared, user, allowed.rows(shared, user, listed.rows))
    trail.read_list(
        shared,
        user,
        rows,
        searched=bool(wanted.patient or wanted.text),
        in_emergency=allowed.are_in_emergency(shared, user, listed.rows),
    )
    return render_template(
        "worklist.html",
        wanted=wanted,
        elsewhere=DECIDED_ELSEWHERE,
        asked=asked(),
        here=here(),
        listed=replace(listed, rows=rows),
        state=listing.state(feed.index),
        partly=bool(wanted.text) and may_see.words is not None,
        services=analyser_names(),
        priorities=PRIORITIES,
        ages={name: words for name, (words, _) in AGES.items()},
        owners=OWNERS,
        acknowledged=ACKNOWLEDGED if shared.limits.times else {},
        due=lambda row: _due(shared, row),
        overdue=_overdue(shared, may_see),
        help=listing.OUTCOME_HELP,
        letters=shared.letters.seen(),
    )


def show_changes() -> Response:
    """Tell a tab of each change, as server-sent events.

    The session is looked at when the stream begins, and it does not keep the session alive.
    """
    events = review().streams.events()
    # nginx gathers what it forwards
    return Response(events, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})


def asked() -> dict[str, str]:
    """Return the filters of this request that are not empty, by their names."""
    return _given("outcome", "service", "patient", "urgency", "age", "owner", "seen", "text")


def here() -> dict[str, Any]:
    """Return the list's filters and the place in it, to come back to after a claim."""
    return asked() | _given("after", "before")


def _given(*names: str) -> dict[str, str]:
    return {name: value for name in names if (value := request.args.get(name, "").strip())}


def _filter(shared: Review, user: User) -> Filter:
    given = asked()
    wanted = Filter(
        given.get("outcome", "requested"),
        given.get("service", ""),
        given.get("patient", ""),
        given.get("urgency", ""),
        owner=_owner(user, given.get("owner", "")),
        text=given.get("text", ""),
        unseen=_unseen(shared, given.get("seen", "")),
    )
    known = (
        wanted.outcome in listing.OUTCOMES
        and wanted.service in ("", *analyser_names())
        and wanted.priority in ("", *PRIORITIES)
        and given.get("age", "") in ("", *AGES)
    )
    if not known:
        abort(400, NO_LIST)
    if max(len(wanted.patient), len(wanted.text)) > MAX_WORDS:
        abort(400, TOO_LONG)
    return replace(wanted, before=_before(given["age"])) if "age" in given else wanted


def _before(age: str) -> str:
    return instant(datetime.now(UTC) - AGES[age][1])


def _unseen(shared: Review, text: str) -> Deadlines | None:
    """Return the deadlines that are asked for; None: all results are."""
    if text not in ("", *ACKNOWLEDGED):
        abort(400, NO_LIST)
    if text == "overdue":
        return shared.limits.deadlines(datetime.now(UTC))
    return shared.limits.any_time() if text else None


def _due(shared: Review, row: Row) -> Due | None:
    """Tell where the acknowledgement of a row stands."""
    return due.due_of(shared.limits, row.priority, row.since, row.seen, datetime.now(UTC))


def _overdue(shared: Review, may_see: Allowed) -> dict[str, int]:
    """Return how many are overdue of each class, whatever the filter of the list."""
    wanted = Filter(unseen=shared.limits.deadlines(datetime.now(UTC)))
    found = shared.feed.index.by_rank(wanted, may_see)
    return {PRIORITIES[rank]: found[rank] for rank in sorted(found)}


def _owner(user: User, text: str) -> str | None:
    """Return a Practitioner, `NOBODY`, or None: whose results are asked for."""
    if text not in ("", *OWNERS):
        abort(400, NO_LIST)
    if text == "mine":
        return user.practitioner
    return NOBODY if text == "nobody" else None
