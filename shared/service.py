"""What a service declares.

Everything else (Kafka, FHIR, retries, HTTP, metrics, shutdown) exists once, in `shared`.

A fifth service writes `services/NAME/service.py` with `SERVICE = Service(...)`, frozen `Inputs` and
`Findings`, and the functions below.
The runtime calls them in this order for each answer::

    accepts(event)                    on the record alone; False leaves no trace but a metric
    gather(event, ehr, settings)      always the CURRENT resource; None: not ours after all;
                                      raises Withdrawn, NotYet, InvalidInput
    models_for(inputs, model)         the models that read these inputs; none: not ours after all
    analyze([inputs, ...], model)     one batch, one result each
    resources(inputs, findings, pen)  pure: Findings -> drafts
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.errors import NotAnalysed
from shared.events import ResourceEvent
from shared.fhir.drafts import Draft, Pen
from shared.panel import Panel

if TYPE_CHECKING:
    from shared.ehr.client import Ehr
    from shared.settings import Settings


@dataclass(frozen=True)
class ModelCard:
    """One model (or rule set) version that speaks in a report.

    It becomes a Device and its card a DocumentReference.

    Attributes:
        name: short and stable, `chest-pneumonia`; drafts name their model by it.
        title: for people.
        version: the release, `1.0.0`.
        digest: `sha256:...` of the weights, or of the rule tables.
        card: the model card, Markdown, with its numbers and their limits.
    """

    name: str
    title: str
    version: str
    digest: str
    card: str


class Inputs(Protocol):
    """What one analysis reads, already parsed.

    A frozen dataclass; its class is the service's own.

    Attributes:
        subject: `Patient/id`.
        content: SHA-256 (hex, `shared.answers.digest`) of what is analysed and nothing else: no
            version, no status of ours.
        sources: the resources it was read from, `Type/id` -> version, the answer's input among
            them (it is looked at again before the write); they become Provenance entities and the
            head's inputs.
        effective: the clinical time of what is analysed, a FHIR dateTime
            (`shared.fhir.times.clinical`); None where the record states none. It is no part of
            `content`.
    """

    @property
    def subject(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def sources(self) -> Mapping[str, str]: ...
    @property
    def effective(self) -> str | None: ...


RELATED: Final = ("Patient", "Consent")
"""What all answers about a patient rest on. A change of one has no event of its own: the patient's
inputs and her plan are published again. So is a document when another one says that it replaces it,
or says so no more.
"""
PLAIN: Final = Panel()
"""The page as it is for a result of any service."""


def focus_of(event: ResourceEvent) -> str:
    """Return the event's focus: `input_of` of a service with one answer per resource."""
    return event.focus


@dataclass(frozen=True)
class Service:
    """A service: what the rest must know of it, and its steps as functions.

    Intake, the worklist, the demo, the command line, compose and the chart derive what they need
    from here. Nothing else keeps a list of services or of their resource types.

    Attributes:
        name: `imaging`: of the consumer group, the command line, the entry point.
        title: for people, `Imaging: chest films`.
        triggers: resource types that start an answer of its own. Patient and Consent are none:
            a change of them has every answer of the patient drawn again.
        also_reads: further types; a change of one of them has the answer drawn again.
        example: the type of the demo patient's resource that it must answer.
        example_files: a folder whose files the demo adds to its patient; None: it needs none.
        panel: how the review page shows its results.
        reads, writes: resource types; the SMART scopes follow from them, beside those all services
            need.
        may_read: types that are read where the EHR has them; no EHR is refused for lacking one.
        accepts: decided on the record alone.
        gather: `(event, ehr, settings) -> Inputs | None`.
        load: `(settings) -> model`; slow imports happen here, never at import of the service.
        cards: `(model) -> cards` of everything that was loaded.
        models_for: `(inputs, model) -> cards` of the models that read these inputs, the report's
            first; empty: not ours.
        analyze: `(batch, model) -> findings or NotAnalysed, one per input`.
        resources: `(inputs, findings, pen) -> drafts`; one has the key `report`: the head's focus.
        input_of: the reference an answer is about; treatment's is the Patient, everybody else's the
            focus.
        quiet_sec: name of the setting that holds how long an answer's events are gathered before it
            is drawn, or None.
        max_batch: how many inputs one call of `analyze` gets at most.
    """

    name: str
    title: str
    triggers: frozenset[str]
    accepts: Callable[[ResourceEvent], bool]
    gather: Callable[[ResourceEvent, "Ehr", "Settings"], Any | None]
    load: Callable[["Settings"], Any]
    cards: Callable[[Any], Sequence[ModelCard]]
    models_for: Callable[[Any, Any], Sequence[ModelCard]]
    analyze: Callable[[Sequence[Any], Any], Sequence[Any | NotAnalysed]]
    resources: Callable[[Any, Any, Pen], Sequence[Draft]]
    reads: frozenset[str]
    writes: frozenset[str]
    also_reads: frozenset[str] = frozenset()
    may_read: frozenset[str] = frozenset()
    example: str = ""
    example_files: Path | None = None
    panel: Panel = PLAIN
    input_of: Callable[[ResourceEvent], str] = focus_of
    quiet_sec: str | None = None
    max_batch: int = 8

    def __post_init__(self) -> None:
        """Refuse triggers that have no event of their own.

        Raises:
            ValueError: it would wait for them for ever.
        """
        if never := sorted(self.triggers & set(RELATED)):
            raise ValueError(f"{self.name} can't be triggered by {', '.join(never)}")

    @property
    def per_patient(self) -> bool:
        """Whether its answer is about the patient, not about the resource that changed."""
        return self.input_of is not focus_of


def only_card(model: Any) -> tuple[ModelCard, ...]:
    """`cards` of a service with one model."""
    return (model.card,)


def only_model(_inputs: Any, model: Any) -> tuple[ModelCard, ...]:
    """Return the one model: `models_for` of a service with one."""
    return (model.card,)
