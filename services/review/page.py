"""What the page of one result shows, part by part: the templates' model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.review import present
from services.review.access import signing
from services.review.access.session import User
from services.review.banner.patient import Banner, banner_of
from services.review.banner.times import Times, times_of
from services.review.critical.due import Due, due_of
from services.review.decision import choices, decide
from services.review.decision.choices import Choice
from services.review.decision.dependants import taken_back, with_dependants
from services.review.decision.exchange.beside import Besides
from services.review.decision.exchange.exchange import Exchanges
from services.review.decision.exchange.left import Left, left
from services.review.decision.exchange.orders import Order
from services.review.decision.exchange.reading import meeting_of
from services.review.decision.inputs import Unsigned, unsigned
from services.review.decision.parts import Part, parts
from services.review.decision.words import Words, words_of
from services.review.disclosure import allowed
from services.review.panels import findings
from services.review.panels.declared import is_per_patient, panel_of
from services.review.panels.material import Material
from services.review.panels.parts import Drawn, drawn
from services.review.person.names import SOMEBODY
from services.review.result import evidence, standing
from services.review.result.evidence import Model
from services.review.result.merged import Notice, notices
from services.review.result.result import Result
from services.review.state import Review
from services.review.worklist.kept.marks import mark_of
from services.review.worklist.listing import title
from shared import instants
from shared.fhir import codes
from shared.fhir.urgency.acknowledgement import acknowledgement_of, waits_since
from shared.fhir.urgency.priority import Priority, urgency_of
from shared.json import Json
from shared.panel import Panel
from shared.references import local_reference, type_of


@dataclass(frozen=True)
class Heading:
    """Whose result it is, and where it stands.

    Attributes:
        banner: who the patient is.
        times: of when it is, and when it was read; None where nothing was written.
        decision: signed, amended, rejected; None where nobody decided.
        elsewhere: another system decided, and somebody here took it off the worklist.
        reason: why it was rejected, not analysed or failed.
        notices: on other records of the same patient.
        version: of the head, as a form sends it back.
        priority: how urgent it is.
        due: where its acknowledgement stands; None: nobody asks for one.
    """

    title: str
    banner: Banner
    times: Times | None
    decision: str | None
    elsewhere: bool
    reason: str
    notices: Sequence[Notice]
    version: str
    priority: Priority
    due: Due | None


@dataclass(frozen=True)
class Shown:
    """What was found.

    Attributes:
        panel: what the service declares of its page.
        parts: what the page draws, in order.
        grave: how many of its alerts are of high severity.
    """

    panel: Panel
    parts: Sequence[Drawn]
    grave: int


@dataclass(frozen=True)
class Origin:
    """What it was made by and drawn from, and by whom it was verified.

    Attributes:
        sources: (reference, name) of what it was drawn from.
        unnamed: what to say where no source is named.
        stale: (reference, name, state) of sources that were withdrawn or changed.
        authors, verifiers: who and when; nobody verified what is not decided.
    """

    models: Sequence[Model]
    sources: Sequence[tuple[str, str]]
    unnamed: str
    stale: Sequence[tuple[str, str, str]]
    authors: Sequence[Mapping[str, str]]
    verifiers: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Forms:
    """What a clinician is asked.

    Attributes:
        refusal: why this user can't sign it; None: she can.
        text: the conclusion or description that an amendment may rewrite.
        parts: what may be kept or dropped one by one.
        taken_back: another client has taken a part back: it can't be signed as it stands.
        along: names of parts that another client's decision takes along.
        choices: alternatives of which one may be taken, and requests that stand alone.
        unsigned: results under this one, to be asked for by name.
        exchanges: the orders that end with its new ones.
        besides: standing orders of a drug that it proposes, by the proposal.
        unread: standing orders that may be of a proposed drug: theirs is not recognised.
        left: orders that were replaced and still stand.
    """

    refusal: str | None
    text: str
    parts: Sequence[Part]
    taken_back: bool
    along: Sequence[str]
    choices: Sequence[Choice]
    unsigned: Sequence[Unsigned]
    exchanges: Exchanges
    besides: Besides
    unread: Sequence[Order]
    left: Sequence[Left]


@dataclass(frozen=True)
class Page:
    """The page of one result.

    Attributes:
        focus: the report or plan; None where there is none.
        words: the AI's under an amendment; None where nobody amended it here.
    """

    focus: Json | None
    words: Words | None
    heading: Heading
    shown: Shown
    origin: Origin
    forms: Forms


def page_of(shared: Review, user: User, result: Result) -> Page:
    """Build the page of a result for this user."""
    builder = _Builder(shared, user, result)
    return Page(
        result.focus,
        builder.words(),
        builder.heading(),
        builder.shown(),
        builder.origin(),
        builder.forms(),
    )


def heading_of(shared: Review, user: User, result: Result) -> Heading:
    """Build the heading of a result's page alone."""
    return _Builder(shared, user, result).heading()


@dataclass(frozen=True)
class _Builder:
    """Builds the parts of one page."""

    review: Review
    user: User
    result: Result

    def heading(self) -> Heading:
        task = self.result.head.task
        zone = ZoneInfo(self.review.settings.timezone)
        reason = present.concept_text(task.get("statusReason"))
        return Heading(
            title=title(task),
            banner=banner_of(self.review.ehr, self.result, zone),
            times=times_of(self.result, zone, instants.today(zone)),
            decision=codes.first_code(task.get("businessStatus"), codes.DECISION),
            elsewhere=reason == decide.DECIDED_ELSEWHERE,
            reason=reason,
            notices=notices(self.result),
            version=mark_of(task).version,
            priority=urgency_of(task, self.result.outputs.values()),
            due=self._due(),
        )

    def _due(self) -> Due | None:
        task, now = self.result.head.task, datetime.now(UTC)
        seen = acknowledgement_of(task)
        if seen is None and self.result.head.outcome != "requested":
            return None
        priority = urgency_of(task, self.result.outputs.values())
        return due_of(self.review.limits, priority, waits_since(task), seen, now)

    def words(self) -> Words | None:
        result = self.result
        decided = codes.first_code(result.head.task.get("businessStatus"), codes.DECISION)
        if decided != "amended" or not result.head.closed:
            return None
        return words_of(result.provenance, decide.text_of(result.focus or {}))

    def shown(self) -> Shown:
        shared, result = self.review, self.result
        panel = panel_of(result.service)
        material = Material(result.at(shared.ehr), shared.settings, shared.films, result, panel)
        alerts = findings.alerts(result.outputs, {})
        return Shown(
            panel=panel,
            parts=drawn(material),
            grave=sum(alert.severity == "high" for alert in alerts),
        )

    def origin(self) -> Origin:
        result = self.result
        whole_record = is_per_patient(result.service)
        return Origin(
            models=evidence.models(result.devices),
            sources=[(local_reference(r), findings.called(r)) for r in result.sources],
            unnamed="the patient's record" if whole_record else _input(result),
            stale=self._stale() if result.waits else [],
            authors=_agents(result, "author"),
            # Of a decision that did not come about nothing is shown, whatever the EHR kept of it.
            verifiers=_agents(result, "verifier") if result.head.closed else [],
        )

    def _stale(self) -> list[tuple[str, str, str]]:
        found = []
        for reference in self.result.stale_sources:
            resource = self.result.find(reference)
            found.append(
                (reference, findings.called(resource), standing.state(resource))
                if resource
                else (reference, present.kind_text(type_of(reference)), "no longer in the record")
            )
        return found

    def forms(self) -> Forms:
        outputs, focus = self.result.outputs, self.result.focus
        listed, asked = parts(outputs), choices.choices(outputs)
        dropped = with_dependants(outputs, taken_back(outputs))
        read_only = self.review.settings.review_orders_read_only
        met = meeting_of(self.review.ehr, self.result, read_only=read_only)
        return Forms(
            refusal=self._refusal(),
            text=decide.text_of(focus or {}),
            parts=listed,
            taken_back=bool(taken_back(outputs)),
            along=[
                *(part.name for part in listed if part.key in dropped),
                *(choice.title for choice in asked if choice.is_alone and choice.key in dropped),
            ],
            choices=[c for c in asked if not (c.is_alone and c.key in dropped)],
            unsigned=unsigned(self.review.ehr, self.result) if self.result.waits else [],
            exchanges=met.exchanges,
            besides=met.besides,
            unread=met.unread,
            left=left(self.review.ehr, self.result),
        )

    def _refusal(self) -> str | None:
        focus = self.result.focus
        if allowed.reading_of(self.review, self.user, self.result).in_emergency:
            return signing.IN_EMERGENCY
        return signing.refusal(self.user, focus, self.review.roles) if focus else None


def _input(result: Result) -> str:
    """Name the kind of the input of what has no result: the head's focus."""
    named = result.head.task.get("focus", {}).get("reference", "")
    kind = "" if result.outputs else type_of(named)
    return present.kind_text(kind) if kind else "not stated"


def _agents(result: Result, kind: str) -> list[dict[str, str]]:
    """Return who did it and when, of each Provenance with such an agent."""
    return [
        {
            "who": agent.get("who", {}).get("display") or SOMEBODY,
            "when": provenance.get("recorded", ""),
        }
        for provenance in result.provenance
        for agent in provenance.get("agent", [])
        if codes.has_code(agent.get("type"), codes.PROVENANCE_AGENT, kind)
    ]
