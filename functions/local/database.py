"""The SQLite database with the state of a development machine.

The embedded API server and the queue keep their state in the same database, each with its own connection and tables.
A commit is on disk when it returns, so an accepted request or message survives a crash.

An unreadable file is reported with a remedy and left unchanged, because people may want to recover its content.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_TIMEOUT_SECONDS = 10.0  # far above the longest transaction, which takes some milliseconds

OWN_TABLES = frozenset({"objects", "queue_messages", "runner_pods"})
"""One table each of the API server, the queue and the runner; a file with tables but none of these is foreign."""


class StateError(Exception):
    """The state cannot be used; the text names the file and the remedy."""


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the database at `path`; create the file and its folder if they do not exist.

    The connection is in autocommit mode: a writer executes BEGIN IMMEDIATE and COMMIT, without slow work or an `await`
    between them, because other connections wait for the commit. Any thread may use it, one at a time.

    Raises:
        StateError: the file is damaged or not a database of this program.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with readable(path):
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)
        _verify(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise StateError in place of SQLite's errors about the file at `path`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StateError(_explain(path, error)) from error


def _verify(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StateError if the database is foreign or damaged; read only, to leave a foreign file unchanged."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and not tables & OWN_TABLES:
        raise StateError(f"{path} is a database of another program: {_REMEDY}")
    (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise StateError(f"{path} is damaged: {_REMEDY}")


_REMEDY = (
    "move it away, together with the files beside it whose names begin with its name; the next start (`make dev`) "
    "creates a new, empty one"
)


def _explain(path: Path, error: sqlite3.DatabaseError) -> str:
    match getattr(error, "sqlite_errorname", ""):
        case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
            return f"{path} is damaged or not a database ({error}): {_REMEDY}"
        case "SQLITE_ERROR":
            return f"{path} does not contain the tables of this program ({error}): {_REMEDY}"
        case _:
            return (
                f"{path} cannot be used ({error}): it must be a file with write permission, on a disk with free space"
            )
