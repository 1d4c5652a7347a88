"""Objects and the history of their changes, in SQLite.

One write is one transaction of the object, its history entry and the global resourceVersion, so a process killed at
any time leaves either all of it or nothing. Bodies are stored as the JSON text sent to clients; reads and watch
events do not parse them.

The history serves watches (which resume after a disconnect or a restart), the pages of a consistent list, and the 410
for a version that is too old. It keeps the last HISTORY changes.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from functions.local.apiserver.errors import Obj

HISTORY = 5_000  # changes kept; 100 active runs write about 2,000 a minute

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    uid TEXT NOT NULL, deleting INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name));
CREATE UNIQUE INDEX IF NOT EXISTS objects_by_uid ON objects (uid);
CREATE INDEX IF NOT EXISTS objects_in_deletion ON objects (resource) WHERE deleting;
CREATE TABLE IF NOT EXISTS owners (
    owner TEXT NOT NULL, uid TEXT NOT NULL REFERENCES objects (uid) ON DELETE CASCADE,
    PRIMARY KEY (owner, uid)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS owners_by_dependent ON owners (uid);
CREATE TABLE IF NOT EXISTS history (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    type TEXT NOT NULL, body TEXT NOT NULL, previous TEXT);
CREATE INDEX IF NOT EXISTS history_by_resource ON history (resource, version);
"""

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class Key(NamedTuple):
    """The key of an object; `resource` is for example `coderuns.agents.platform` or `pods`, no namespace is ''."""

    resource: str
    namespace: str
    name: str


class NamespacedName(NamedTuple):
    """The key of an object among those of its resource; lists are sorted by it."""

    namespace: str
    name: str


BEGINNING = NamespacedName("", "")


class PreviousState(NamedTuple):
    """The state of an object before later writes: its body, None if it did not exist; and whether it exists now."""

    body: str | None
    exists_now: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One committed write. `previous` is the body before it, None for a new object."""

    version: int
    type: ChangeType
    key: Key
    body: str
    previous: str | None


class Store:
    """The objects of one server; not for two servers at once, because the version counter is in memory."""

    def __init__(self, connection: sqlite3.Connection, history: int = HISTORY) -> None:
        self._db = connection
        self._history = history
        self._change_events: dict[str, asyncio.Event] = {}
        self.closing = False
        self._observers: list[Callable[[Change], None]] = []
        connection.executescript(SCHEMA)
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'history'").fetchone()
        self.version: int = row[0] if row else 0

    @property
    def compacted(self) -> int:
        """The oldest version after which all changes are still in the history."""
        (oldest,) = self._db.execute("SELECT min(version) FROM history").fetchone()
        return int(oldest) - 1 if oldest else self.version

    def get(self, key: Key) -> str | None:
        """Return the body of one object; None if it does not exist."""
        row = self._db.execute(
            "SELECT body FROM objects WHERE resource = ? AND namespace = ? AND name = ?", key
        ).fetchone()
        return row[0] if row else None

    def by_uid(self, uid: str) -> Key | None:
        """Return the key of the object with this uid; None if it does not exist."""
        row = self._db.execute("SELECT resource, namespace, name FROM objects WHERE uid = ?", (uid,)).fetchone()
        return Key(*row) if row else None

    def bodies(self, resource: str, namespace: str | None) -> list[str]:
        """Return the bodies of a resource, sorted by namespace and name; `namespace` None selects all."""
        return [body for _, body in self.rows(resource, namespace)]

    def rows(
        self, resource: str, namespace: str | None, after: NamespacedName = BEGINNING
    ) -> Iterator[tuple[NamespacedName, str]]:
        """Yield the names and bodies after a name, in order; no write may happen before the last is read."""
        where, values = _after(resource, namespace, after)
        query = f"SELECT namespace, name, body FROM objects WHERE {where} ORDER BY namespace, name"  # noqa: S608
        return ((NamespacedName(*row[:2]), row[2]) for row in self._db.execute(query, values))

    def count(self, resource: str, namespace: str | None, after: NamespacedName = BEGINNING) -> int:
        """Return the number of objects after a name."""
        where, values = _after(resource, namespace, after)
        (count,) = self._db.execute(f"SELECT count(*) FROM objects WHERE {where}", values).fetchone()  # noqa: S608
        return int(count)

    def previous_states(
        self, version: int, resource: str, namespace: str | None, after: NamespacedName
    ) -> dict[NamespacedName, PreviousState]:
        """Return the states at `version` of the objects after a name that were written since.

        `version` must not be below `compacted`.
        """
        where, values = _after(resource, namespace, after)
        query = f"SELECT namespace, name, type, previous FROM history WHERE {where} AND version > ? ORDER BY version"  # noqa: S608
        states: dict[NamespacedName, PreviousState] = {}
        for *name, change_type, previous in self._db.execute(query, (*values, version)):
            first = states.get(NamespacedName(*name))
            states[NamespacedName(*name)] = PreviousState(first.body if first else previous, change_type != "DELETED")
        return states

    def since(self, version: int, resource: str, namespace: str | None = None) -> list[Change]:
        """Return the changes after `version`, oldest first."""
        rows = self._db.execute(
            "SELECT version, type, resource, namespace, name, body, previous FROM history"
            " WHERE resource = ? AND version > ? AND (? IS NULL OR namespace = ?) ORDER BY version",
            (resource, version, namespace, namespace),
        )
        return [Change(row[0], row[1], Key(*row[2:5]), row[5], row[6]) for row in rows]

    def put(self, key: Key, obj: Obj) -> str:
        """Create or replace an object with the next resourceVersion; return its body."""
        previous = self.get(key)
        change = self._change("ADDED" if previous is None else "MODIFIED", key, obj, previous)
        self._commit(change, obj)
        return change.body

    def rewrite(self, key: Key, obj: Obj) -> None:
        """Store another body of an object at the same resourceVersion; watchers get no event."""
        values = (_text(obj), *key)
        self._db.execute("UPDATE objects SET body = ? WHERE resource = ? AND namespace = ? AND name = ?", values)

    def delete(self, key: Key, obj: Obj) -> str:
        """Remove an object and return the body that watchers get; `obj` is its last state."""
        change = self._change("DELETED", key, obj, self.get(key))
        self._commit(change, obj)
        return change.body

    def dependents(self, uid: str) -> list[Key]:
        """Return the objects with `uid` as an owner."""
        return self._keys("SELECT resource, namespace, name FROM objects JOIN owners USING (uid) WHERE owner = ?", uid)

    def with_absent_owner(self) -> list[Key]:
        """Return the objects with an owner that does not exist (or not in their namespace)."""
        return self._keys(
            "SELECT DISTINCT d.resource, d.namespace, d.name FROM owners JOIN objects d USING (uid)"
            " LEFT JOIN objects o ON o.uid = owner AND o.namespace IN ('', d.namespace) WHERE o.uid IS NULL"
        )

    def in_deletion(self) -> list[Key]:
        """Return the objects that wait for finalizers or a grace period."""
        return self._keys("SELECT resource, namespace, name FROM objects WHERE deleting")

    def in_namespace(self, namespace: str) -> list[Key]:
        """Return all objects in a namespace."""
        return self._keys("SELECT resource, namespace, name FROM objects WHERE namespace = ?", namespace)

    def _keys(self, query: str, *values: str) -> list[Key]:
        return [Key(*row) for row in self._db.execute(query, values)]

    def observe(self, observer: Callable[[Change], None]) -> None:
        """Call `observer` after each commit."""
        self._observers.append(observer)

    def next_change(self, resource: str) -> asyncio.Event:
        """Return an event that the next change of `resource` sets; call this before reading the objects."""
        return self._change_events.setdefault(resource, asyncio.Event())

    def close(self) -> None:
        """End every watch, so that the server can stop; call it in the server's event loop."""
        self.closing = True
        for change_event in self._change_events.values():
            change_event.set()

    def _change(self, change_type: ChangeType, key: Key, obj: Obj, previous: str | None) -> Change:
        version = self.version + 1
        obj["metadata"]["resourceVersion"] = str(version)
        return Change(version, change_type, key, _text(obj), previous)

    def _commit(self, change: Change, obj: Obj) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._write_object(change, obj["metadata"])
            self._write_history(change)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self.version = change.version
        if change_event := self._change_events.pop(change.key.resource, None):
            change_event.set()
        for observer in self._observers:
            observer(change)

    def _write_object(self, change: Change, meta: Obj) -> None:
        if change.type == "DELETED":
            self._db.execute("DELETE FROM objects WHERE uid = ?", (meta["uid"],))
            return
        self._db.execute(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (resource, namespace, name)"
            " DO UPDATE SET deleting = excluded.deleting, body = excluded.body",
            (*change.key, meta["uid"], "deletionTimestamp" in meta, change.body),
        )
        self._db.execute("DELETE FROM owners WHERE uid = ?", (meta["uid"],))
        owners = {(reference["uid"], meta["uid"]) for reference in meta.get("ownerReferences", ())}
        self._db.executemany("INSERT INTO owners VALUES (?, ?)", owners)

    def _write_history(self, change: Change) -> None:
        self._db.execute(
            "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)",
            (change.version, *change.key, change.type, change.body, change.previous),
        )
        self._db.execute("DELETE FROM history WHERE version <= ?", (change.version - self._history,))


def _text(obj: Obj) -> str:
    return json.dumps(obj, separators=(",", ":"))


def _after(resource: str, namespace: str | None, after: NamespacedName) -> tuple[str, tuple[str, ...]]:
    """Return a condition and its values; SQLite seeks in the primary key by the last column or the last two."""
    if namespace is None:
        return "resource = ? AND (namespace, name) > (?, ?)", (resource, *after)
    name = after.name if after.namespace == namespace else ""
    return "resource = ? AND namespace = ? AND name > ?", (resource, namespace, name)
