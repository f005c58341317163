"""What intake watches, derived from what the services declare (pure)."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

from services import catalogue
from shared.events import ResourceEvent
from shared.service import RELATED, Service

log = logging.getLogger(__name__)

SEARCHED = ("Consent", "DocumentReference")
"""What others rest on and find by search: a denial, the document that replaces theirs (the patient
is read, and searched where records were merged). An EHR may find late what it wrote, so what rests
on it is published once more, when the EHR must find it.
"""


@dataclass(frozen=True)
class Watch:
    """What the services want to know of the EHR.

    A service is *per resource* (it answers the resource that changed: a film, a VCF, a note) or
    *per patient* (it looks again at the whole patient: a plan).
    """

    services: tuple[Service, ...]

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Types whose resources may have an answer of their own."""
        return _types(s.triggers for s in self.services if not s.per_patient)

    @cached_property
    def passing(self) -> tuple[str, ...]:
        """Types that a service per patient looks at again when one comes, changes or goes."""
        return _types(s.triggers | s.also_reads for s in self.services if s.per_patient)

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """All types that have events."""
        return tuple(dict.fromkeys([*self.inputs, *self.passing]))

    @cached_property
    def wishes(self) -> frozenset[str]:
        """The watching services of each type: `name:type`."""
        return frozenset(
            f"{s.name}:{kind}" for s in self.services for kind in s.triggers | s.also_reads
        )

    @cached_property
    def swept(self) -> tuple[str, ...]:
        """All types that are read, in this order.

        On a first start a patient has then no inputs yet that would be published twice.
        """
        return (*RELATED, *self.watched)

    def is_input(self, event: ResourceEvent) -> bool:
        """Tell whether the focus may have an answer of its own.

        It may by its type alone, unless services per patient look at the same type: of laboratory
        values, for instance, only those that another service accepts are inputs.
        """
        if event.type not in self.inputs:
            return False
        if event.type not in self.passing:
            return True
        return any(_accepts(s, event) for s in self.services if not s.per_patient)

    def is_accepted(self, event: ResourceEvent) -> bool:
        """Tell whether any service accepts it."""
        return any(_accepts(s, event) for s in self.services)

    def is_passing(self, event: ResourceEvent) -> bool:
        """Tell whether only services per patient look at the focus."""
        return event.type in self.passing and not self.is_input(event)

    def concerns_plan(self, event: ResourceEvent) -> bool:
        """Tell whether a service per patient looks again because of it."""
        return any(_accepts(s, event) for s in self.services if s.per_patient)

    def plans_by(self, event: ResourceEvent) -> tuple[str, ...]:
        """Return the services per patient whose plan may stand because of it.

        The plan is the patient's, not the event's: one such event, published again, has it drawn
        again, whatever became of its focus, and whatever else it reads.
        """
        if event.action == "delete":
            return ()
        return tuple(
            s.name
            for s in self.services
            if s.per_patient and event.type in s.triggers and _accepts(s, event)
        )


@cache
def installed() -> Watch:
    """Return what the analysers that are installed here want to know."""
    return Watch(catalogue.analysers())


def _accepts(service: Service, event: ResourceEvent) -> bool:
    """Tell whether the service accepts the event: where its code fails, it may.

    A package that we did not write must not stop what other services wait for; the event is
    published, and the service itself says what it can't do with it.
    """
    try:
        return service.accepts(event)
    except Exception as error:  # somebody else's code
        log.error(
            "accepts of %s (%s): unexpected %s",
            service.name,
            catalogue.package_of(service.name),
            type(error).__name__,
        )
        return True


def _types(wanted: Iterable[frozenset[str]]) -> tuple[str, ...]:
    return tuple(sorted(frozenset().union(*wanted)))
