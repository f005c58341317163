"""The event log in memory, for tests: SQLite's, without a file.

Its members are threads of this process.
"""

from pathlib import Path

from shared.stream.sqlite import SqliteLog
from shared.stream.sqlite.database import Database
from shared.stream.sqlite.leases import LEASE_SEC


class MemoryLog(SqliteLog):
    """See `shared.stream.base.Log`.

    All sources and sinks share one database, which lives as long as any of them.
    """

    def __init__(self, lease_sec: float = LEASE_SEC) -> None:
        super().__init__(Path(), lease_sec)
        self._database = _Shared(None)

    def open(self) -> Database:
        return self._database


class _Shared(Database):
    def close(self) -> None:
        """Others still use it; the connection closes with the object."""
