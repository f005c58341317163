"""The workplace of the line: a service, its model and an EHR."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from shared.ehr.ahead import Question
from shared.ehr.client import Ehr
from shared.privacy.access_log import Record, no_access_log
from shared.runtime.line.register import Register
from shared.service import Service
from shared.settings import Settings


class TooHastyError(Exception):
    """A write would rest on the answers of one batch: look again, after the heads.

    Args:
        denied: consent is denied, so the input must not be fetched again.
    """

    def __init__(self, *, denied: bool) -> None:
        super().__init__()
        self.denied = denied


@dataclass(frozen=True)
class Workplace:
    """A service at work on an EHR.

    Attributes:
        register: the references of the Devices and model cards at this EHR.
        access_log: called with (reference, patient) before an input is opened.
        is_hasty: its EHR's answers came in one batch, each of a moment of its own.
    """

    service: Service
    ehr: Ehr
    model: Any
    settings: Settings
    register: Register
    access_log: Record = no_access_log
    is_hasty: bool = False

    def ahead(self, questions: Sequence[Question]) -> Self:
        """Return the same workplace with an EHR asked all this at once.

        See `Ehr.ahead`.
        """
        return replace(self, ehr=self.ehr.ahead(questions))

    @property
    def device(self) -> str:
        """`Device/id` of the service itself."""
        return self.register.service(self.service.name)
