"""What the pages of one app share, wired once in `app.py`."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self, cast

from flask import current_app

from services.review.access.login import LocalLogin, Throttle
from services.review.access.roles import Roles
from services.review.access.shown import Shown
from services.review.access.staff import StaffCheck
from services.review.critical.limits import Limits
from services.review.metrics import PageMetrics
from services.review.result.film import FilmShelf
from services.review.worklist.feed import Feed
from services.review.worklist.letters import LettersPanel
from services.review.worklist.streams import Streams
from shared.ehr.client import Ehr
from shared.settings import Settings

EXTENSION: Final = "careloop-review"


@dataclass(frozen=True)
class Review:
    """Everything that a view needs.

    Attributes:
        local, oidc: the ways to log in; None: not offered.
        letters: the dead letters of all services, as last seen.
        feed: keeps the worklist's index, which it holds.
        streams: tell the tabs of its changes.
        limits: how long urgent results may wait to be acknowledged.
        observer: `Device/id` that stands for this service in audit events, made at first use.
    """

    settings: Settings
    ehr: Ehr
    roles: Roles
    local: LocalLogin | None
    oidc: Any | None
    letters: LettersPanel
    feed: Feed
    streams: Streams
    observer: Callable[[], str]
    limits: Limits = field(default_factory=Limits)
    metrics: PageMetrics = field(default_factory=PageMetrics)
    staff: StaffCheck = field(default_factory=StaffCheck)
    shown: Shown = field(default_factory=Shown)
    throttle: Throttle = field(default_factory=Throttle)
    films: FilmShelf = field(default_factory=FilmShelf)

    def remembering(self) -> Self:
        """Return the same, where the EHR keeps the answers to what is asked ahead."""
        return replace(self, ehr=self.ehr.remembering())


def review() -> Review:
    """The current app's."""
    return cast(Review, current_app.extensions[EXTENSION])
