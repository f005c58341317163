"""The event log on SQLite: the embedded default.

Several processes share one file on a local disk. Every commit is on the disk (`synchronous=FULL`)
before `send` or `commit` returns.
"""

from shared.stream.sqlite.log import SqliteLog

__all__ = ["SqliteLog"]
