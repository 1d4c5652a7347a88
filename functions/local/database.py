"""The one file that makes a development machine durable.

Embedded API server and queue keep their state in the same SQLite database, each through its own connection
and its own tables. What is committed here is on disk: that is what "accepted means durable" rests on.
"""

import sqlite3
from pathlib import Path

BUSY_TIMEOUT_SECONDS = 10.0  # far above the longest transaction, which is some milliseconds


def connect(path: Path) -> sqlite3.Connection:
    """Open (or create) the database at `path`; its folder is created too.

    The connection is in autocommit mode: a writer says BEGIN IMMEDIATE and COMMIT, with nothing slow and no
    `await` between them, because other connections wait for it. It may be used from another thread, by one
    thread at a time.

    Raises sqlite3.DatabaseError when the file is not a database.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
