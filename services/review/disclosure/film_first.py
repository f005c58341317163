"""Hold back the AI's answer, and what repeats it, until its reader saw the film."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.catalogue import analyser_names
from services.review.access.first_look import (
    is_seen,
    looked_until,
    note_look,
    sees_film_first,
)
from services.review.access.session import User
from services.review.panels.declared import is_per_patient, panel_of, shows_film
from services.review.result.film import film_of
from services.review.result.read import service_of
from services.review.result.result import Result
from services.review.state import Review
from services.review.worklist.kept.query import Allowed, Filter
from services.review.worklist.listing import Row
from shared.answers import Answer, Head
from shared.fhir import lifecycle
from shared.fhir.summary import answer_of
from shared.json import Json
from shared.references import is_a, local_reference, relative, subject_of

STUDY: Final = ("imagingStudy", "partOf", "derivedFrom")
"""Elements by which a result on a film names the study."""
OPEN: Final = frozenset({"requested", "draft"})
"""Outcomes of a head of which nobody has decided on what it holds."""
MOST_FILMS: Final = 100
"""Films of one patient that the list compares with the session's looks."""


@dataclass(frozen=True)
class Look:
    """How a reader stands to a result.

    Attributes:
        due: its film is to be looked at before anything of it is shown.
        under: answers' uuids of films under a plan, to be looked at first; empty text: of one
            whose page is not known.
        no_film: why there is no film to look at; empty: there is one, or none is asked for.
        until: when the look ended; empty: there was none.
    """

    due: bool = False
    under: Sequence[str] = ()
    no_film: str = ""
    until: str = ""

    @property
    def is_first(self) -> bool:
        """Tell whether a look comes first: nothing of the result may be shown."""
        return self.due or bool(self.under)


def look_of(shared: Review, user: User, result: Result) -> Look:
    """Tell whether this user is to look at a film before she sees the result.

    A result that is decided, here or elsewhere, waits for nobody's view.
    """
    if not _is_open(result) or not _reads_first(shared, user):
        return Look()
    if is_per_patient(result.service):
        films = (r for r in result.sources if _may_look(shared, user, answer_of(r) or ""))
        return Look(under=list(dict.fromkeys(_addresses(films))))
    if not shows_film(result.service):
        return Look()
    until = looked_until(result.task_id)
    if until:
        return Look(until=until)
    film = film_of(shared.ehr, shared.settings, shared.films, result)
    return Look(no_film=film.problem, due=until is None and not film.problem)


def note_shown(shared: Review, user: User, result: Result) -> None:
    """Note that the answer is shown: lists and pictures hide it no longer."""
    is_new = shows_film(result.service) and looked_until(result.task_id) is None
    if is_new and result.head.outcome in OPEN and _reads_first(shared, user):
        note_look(result.task_id, result.head.outputs.values())


def hides_parts(shared: Review, user: User, head: Head) -> bool:
    """Tell whether the pictures of this head wait for a look."""
    waits = head.outcome in OPEN and shows_film(service_of(head.task))
    return waits and _reads_first(shared, user) and looked_until(_id(head.reference)) is None


def hides(shared: Review, user: User, head: Head) -> bool:
    """Tell whether the list hides what this head holds, be it a film or a plan."""
    service = service_of(head.task)
    if not is_per_patient(service) or head.outcome not in OPEN or not _reads_first(shared, user):
        return hides_parts(shared, user, head)
    return _has_film(shared, user, subject_of(head.task) or "")


def rows(shared: Review, user: User, listed: Sequence[Row]) -> list[Row]:
    """Take what would tell the AI's answer out of the rows; the rows stay."""
    if not _reads_first(shared, user):
        return list(listed)
    return [_concealed(row) if _waits_for_look(shared, user, row) else row for row in listed]


def search(shared: Review, user: User, allowed: Allowed) -> Allowed:
    """Leave films, and the plans that repeat them, out of a search by words."""
    if not _reads_first(shared, user):
        return allowed
    may = allowed.words

    def words(service: str, categories: frozenset[str]) -> bool:
        tells = shows_film(service) or is_per_patient(service)
        return not tells and (may is None or may(service, categories))

    return replace(allowed, words=words)


def _reads_first(shared: Review, user: User) -> bool:
    return sees_film_first(user, shared.settings.review_film_first)


def _may_look(shared: Review, user: User, service: str) -> bool:
    """Tell whether the service reads films, and the user may see its results."""
    categories = panel_of(service).categories
    return shows_film(service) and shared.roles.may_read(user.roles, categories)


def _is_open(result: Result) -> bool:
    return result.head.outcome in OPEN and not result.decided_elsewhere


def _addresses(sources: Iterable[Json]) -> Iterable[str]:
    """Yield the answers of unsigned results on films that were not looked at."""
    for source in sources:
        service = answer_of(source) or ""
        waits = source["resourceType"] in lifecycle.STATUS and lifecycle.is_draft(source)
        if waits and not is_seen(local_reference(source)):
            study = _study(source)
            yield str(Answer(service, study).uuid) if study else ""


def _study(source: Json) -> str:
    named = (item.get("reference", "") for element in STUDY for item in source.get(element, []))
    return next((ref for ref in map(relative, named) if is_a(ref, "ImagingStudy")), "")


def _waits_for_look(shared: Review, user: User, row: Row) -> bool:
    if row.withheld:
        return False
    if shows_film(row.service):
        return looked_until(row.task_id) is None
    return is_per_patient(row.service) and _has_film(shared, user, row.subject)


def _has_film(shared: Review, user: User, subject: str) -> bool:
    """Tell whether a film of this patient, under any record of hers, waits for a look.

    Her plan may repeat its answer.
    """
    index = shared.feed.index
    hers = Allowed(patients=frozenset(index.records(subject)) - {""})
    services = [s for s in analyser_names() if _may_look(shared, user, s)]
    pages = (index.page(Filter(service=s), None, MOST_FILMS, hers) for s in services)
    return any(looked_until(e.entry.task) is None for page in pages for e in page.entries)


def _concealed(row: Row) -> Row:
    # the list names no urgency of what is routine, and nobody is asked to acknowledge it
    hidden = replace(row, text="", severity="", alerts=0, priority="routine", seen=None)
    return replace(hidden, concealed=True)


def _id(reference: str) -> str:
    return reference.split("/", 1)[1]
