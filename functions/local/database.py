"""The one file that makes a development machine durable.

Embedded API server and queue keep their state in the same SQLite database, each through its own connection
and its own tables. What is committed here is on disk: that is what "accepted means durable" rests on.

A file that cannot be read is named, with what to do, and left as it is: people may want what is in it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_TIMEOUT_SECONDS = 10.0  # far above the longest transaction, which is some milliseconds

OURS = frozenset({"objects", "queue_messages", "runner_pods"})
"""A table of each part: the API server's, the queue's, the runner's. A file with tables, none of them, is foreign."""


class StateError(Exception):
    """The state cannot be used; the text names the file and says what to do."""


def connect(path: Path) -> sqlite3.Connection:
    """Open (or create) the database at `path`; its folder is created too.

    The connection is in autocommit mode: a writer says BEGIN IMMEDIATE and COMMIT, with nothing slow and no
    `await` between them, because other connections wait for it. It may be used from another thread, by one
    thread at a time.

    Raises StateError when the file is damaged, or not a database of this program.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with readable(path):
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)
        _look_at(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raises StateError in place of what SQLite says of the file at `path`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StateError(_told(path, error)) from error


def _look_at(connection: sqlite3.Connection, path: Path) -> None:
    """Reads only: a file that is not ours is not to be changed."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and not tables & OURS:
        raise StateError(f"{path} is a database of another program: {_REMEDY}")
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise StateError(f"{path} is damaged: {_REMEDY}")


_REMEDY = (
    "move it away, and the files beside it that begin with its name; the next start (`make dev`) begins anew, "
    "without what it holds"
)


def _told(path: Path, error: sqlite3.DatabaseError) -> str:
    match getattr(error, "sqlite_errorname", ""):
        case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
            return f"{path} is damaged, or no database ({error}): {_REMEDY}"
        case "SQLITE_ERROR":
            return f"{path} does not hold the tables of this program ({error}): {_REMEDY}"
        case _:
            return f"{path} cannot be used ({error}): it must be a file that you may write, on a disk with room"
