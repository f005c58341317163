"""Reach: how far a sweep of one type got."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.intake.rewound import Anchor
from services.intake.versions import utc
from shared.ehr.client import Version
from shared.instants import now, parse


@dataclass
class Reach:
    """How far a sweep of one type got.

    Attributes:
        newest: the time of the newest version met that lies not ahead of our clock: to there the
            cursor may move. An EHR whose clock jumped stamps versions with the future; were the
            cursor there, nothing would be found until that future is past.
        ahead: by how much the time of a version lies ahead of our clock.
        unasked: how many versions were far older than what was asked for.
        unnumbered: how many versions had no number.
        newest_focus: whose version the newest is; empty where none was met.
        anchor: the version at the cursor, to be met again.
    """

    newest: datetime
    anchor: Anchor
    ahead: timedelta = timedelta()
    unasked: int = 0
    unnumbered: int = 0
    newest_focus: str = ""

    def meets(self, version: Version, oldest: datetime) -> bool:
        """Take note of a version's time, if it has one.

        False: it is older than that.
        """
        time = utc(version.time)
        self.unnumbered += not version.version
        self.anchor.meets(version.reference, time, deleted=version.deleted)
        if not time:
            return True
        moment = parse(time)
        if moment < oldest:
            self.unasked += 1
            return False
        ahead = moment - parse(now())
        if ahead > timedelta():
            self.ahead = max(self.ahead, ahead)
        elif moment > self.newest:
            self.newest, self.newest_focus = moment, version.reference
        return True
