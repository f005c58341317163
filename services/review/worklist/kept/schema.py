"""The file of the index: its tables, and how it is opened.

It holds names and birth dates, so nobody but its owner may read it.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final

from shared.disk.private import private_folder

VERSION: Final = 4
"""Of the tables, and of how a head is read.

A file of another version is thrown away, and built anew from the EHR.
"""
DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
BUSY_SEC: Final = 10.0
SCHEMA: Final = """
CREATE TABLE heads (
  task TEXT PRIMARY KEY, version TEXT NOT NULL, time TEXT NOT NULL, service TEXT NOT NULL,
  outcome TEXT NOT NULL, revision INTEGER NOT NULL, subject TEXT NOT NULL,
  rank INTEGER NOT NULL, created TEXT NOT NULL, changed TEXT NOT NULL, owner TEXT NOT NULL,
  owner_name TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL,
  decision TEXT NOT NULL, severity TEXT NOT NULL, alerts INTEGER NOT NULL,
  categories TEXT NOT NULL, since TEXT NOT NULL, seen INTEGER NOT NULL, seen_by TEXT NOT NULL,
  seen_name TEXT NOT NULL, seen_at TEXT NOT NULL, words TEXT NOT NULL);
CREATE INDEX heads_waiting ON heads (
  outcome, rank, seen, since, task, service, owner, subject);
CREATE INDEX heads_newest ON heads (outcome, changed, task, service, owner, subject);
CREATE INDEX heads_about ON heads (subject, outcome);
CREATE INDEX heads_kinds ON heads (service, categories, outcome);
CREATE TABLE patients (
  reference TEXT PRIMARY KEY, version TEXT NOT NULL, time TEXT NOT NULL, name TEXT NOT NULL,
  birth TEXT NOT NULL, replaced_by TEXT NOT NULL, words TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE links (
  patient TEXT, other TEXT, PRIMARY KEY (patient, other)) WITHOUT ROWID;
CREATE INDEX links_back ON links (other, patient);
CREATE TABLE doubts (
  task TEXT PRIMARY KEY, due REAL NOT NULL, tries INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO facts
VALUES ('changes', CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));
"""
"""The number of changes begins with the time, so that it is higher than in a file lost before."""


class Damaged(sqlite3.DatabaseError):
    """The file can be opened, and its pages contradict each other."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file; make it anew where it is damaged or of another version.

    Raises:
        OSError, sqlite3.Error: it can't be opened.
    """
    private_folder(path.parent)
    found = identity(path)
    try:
        return _opened(path)
    except sqlite3.DatabaseError as error:
        if not is_damaged(error):
            raise
    remove_file(path, found)
    return _opened(path)


def is_damaged(error: sqlite3.Error) -> bool:
    """Tell whether the file itself is at fault, or lacks a table."""
    if isinstance(error, Damaged):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in DAMAGED or "no such table" in str(error)


def identity(path: Path) -> tuple[int, int]:
    """Tell one file from another of the same name; zeros where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  # once for each use
    except FileNotFoundError:
        return (0, 0)
    return (found.st_dev, found.st_ino)


def remove_file(path: Path, seen: tuple[int, int]) -> None:
    """Remove the file and what SQLite keeps beside it.

    Args:
        seen: its identity; another file there stays: another process has begun anew.
    """
    if identity(path) != seen:
        return
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _opened(path: Path) -> sqlite3.Connection:
    # SQLite gives the files beside it the same mode.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    db = sqlite3.connect(path, timeout=BUSY_SEC, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        # What a power cut takes, the next sweep brings back.
        db.execute("PRAGMA synchronous=NORMAL")
        _prepare(db)
        _check(db)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    with db:
        db.execute("BEGIN IMMEDIATE")
        [version] = db.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            db.execute(f'DROP TABLE "{name}"')
        for statement in filter(str.strip, SCHEMA.split(";\n")):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")


def _check(db: sqlite3.Connection) -> None:
    """Raise Damaged where pages contradict each other: SQLite may not notice for long."""
    [found] = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Damaged("pages of the index contradict each other")
