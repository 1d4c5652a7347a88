"""Objects, and the changes they went through, in SQLite.

One write is one transaction: the object, its line of history and the global resourceVersion move together, so
that a kill at any moment leaves either all of it or nothing. Bodies are kept as the JSON text that goes over
the wire; a read or a watch event need not parse them.

History serves watches (resume after a disconnect or a restart), pages of one consistent list, and the 410 that
tells a client its version is too old. It keeps the last HISTORY changes.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from functions.local.apiserver.errors import Obj

HISTORY = 5_000  # changes kept; a busy minute of 100 runs makes some 2,000

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
    """Where an object is. `resource` is `coderuns.agents.platform` or `pods`; no namespace is ''."""

    resource: str
    namespace: str
    name: str


class Place(NamedTuple):
    """Where an object is among those of its resource, which are listed in this order."""

    namespace: str
    name: str


BEGINNING = Place("", "")


class CompactedError(NamedTuple):
    """An object that was written since: its body before that, None where it was not there, and whether it is now."""

    body: str | None
    there: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One committed write. `previous` is the body before it, None for a new object."""

    version: int
    type: ChangeType
    key: Key
    body: str
    previous: str | None


class Store:
    """The objects of one server. Not for use by two servers at once: the version counter is kept in memory."""

    def __init__(self, connection: sqlite3.Connection, history: int = HISTORY) -> None:
        self._db = connection
        self._history = history
        self._bells: dict[str, asyncio.Event] = {}
        self.closing = False
        self._observers: list[Callable[[Change], None]] = []
        connection.executescript(SCHEMA)
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'history'").fetchone()
        self.version: int = row[0] if row else 0

    @property
    def compacted(self) -> int:
        """The newest version whose following changes are no longer complete."""
        (oldest,) = self._db.execute("SELECT min(version) FROM history").fetchone()
        return int(oldest) - 1 if oldest else self.version

    def get(self, key: Key) -> str | None:
        """The body of one object."""
        row = self._db.execute(
            "SELECT body FROM objects WHERE resource = ? AND namespace = ? AND name = ?", key
        ).fetchone()
        return row[0] if row else None

    def by_uid(self, uid: str) -> Key | None:
        """Where the object with this uid is."""
        row = self._db.execute("SELECT resource, namespace, name FROM objects WHERE uid = ?", (uid,)).fetchone()
        return Key(*row) if row else None

    def bodies(self, resource: str, namespace: str | None) -> list[str]:
        """All objects of a resource in order of namespace and name; `namespace` None is all of them."""
        return [body for _, body in self.rows(resource, namespace)]

    def rows(self, resource: str, namespace: str | None, after: Place = BEGINNING) -> Iterator[tuple[Place, str]]:
        """The bodies after a place, in order, read as they are asked for: nothing may be written meanwhile."""
        where, values = _after(resource, namespace, after)
        query = f"SELECT namespace, name, body FROM objects WHERE {where} ORDER BY namespace, name"  # noqa: S608
        return ((Place(*row[:2]), row[2]) for row in self._db.execute(query, values))

    def count(self, resource: str, namespace: str | None, after: Place = BEGINNING) -> int:
        """How many objects there are after a place."""
        where, values = _after(resource, namespace, after)
        (found,) = self._db.execute(f"SELECT count(*) FROM objects WHERE {where}", values).fetchone()  # noqa: S608
        return int(found)

    def undone(self, version: int, resource: str, namespace: str | None, after: Place) -> dict[Place, CompactedError]:
        """What differs now, after a place, from how it was at `version`, which must not be below `compacted`."""
        where, values = _after(resource, namespace, after)
        query = f"SELECT namespace, name, type, previous FROM history WHERE {where} AND version > ? ORDER BY version"  # noqa: S608
        found: dict[Place, CompactedError] = {}
        for *place, kind, previous in self._db.execute(query, (*values, version)):
            first = found.get(Place(*place))
            found[Place(*place)] = CompactedError(first.body if first else previous, kind != "DELETED")
        return found

    def since(self, version: int, resource: str, namespace: str | None = None) -> list[Change]:
        """The changes after `version`, oldest first."""
        rows = self._db.execute(
            "SELECT version, type, resource, namespace, name, body, previous FROM history"
            " WHERE resource = ? AND version > ? AND (? IS NULL OR namespace = ?) ORDER BY version",
            (resource, version, namespace, namespace),
        )
        return [Change(row[0], row[1], Key(*row[2:5]), row[5], row[6]) for row in rows]

    def put(self, key: Key, obj: Obj) -> str:
        """Create or replace an object; gives it the next resourceVersion. Returns its body."""
        previous = self.get(key)
        change = self._change("ADDED" if previous is None else "MODIFIED", key, obj, previous)
        self._commit(change, obj)
        return change.body

    def delete(self, key: Key, obj: Obj) -> str:
        """Remove an object; `obj` is its last state. Returns the body that watchers see."""
        change = self._change("DELETED", key, obj, self.get(key))
        self._commit(change, obj)
        return change.body

    def dependents(self, uid: str) -> list[Key]:
        """The objects that name `uid` as an owner."""
        return self._keys("SELECT resource, namespace, name FROM objects JOIN owners USING (uid) WHERE owner = ?", uid)

    def with_absent_owner(self) -> list[Key]:
        """The objects that name an owner that does not exist (or not in their namespace)."""
        return self._keys(
            "SELECT DISTINCT d.resource, d.namespace, d.name FROM owners JOIN objects d USING (uid)"
            " LEFT JOIN objects o ON o.uid = owner AND o.namespace IN ('', d.namespace) WHERE o.uid IS NULL"
        )

    def in_deletion(self) -> list[Key]:
        """The objects that wait for their finalizers or their grace period."""
        return self._keys("SELECT resource, namespace, name FROM objects WHERE deleting")

    def in_namespace(self, namespace: str) -> list[Key]:
        """Everything in a namespace."""
        return self._keys("SELECT resource, namespace, name FROM objects WHERE namespace = ?", namespace)

    def _keys(self, query: str, *values: str) -> list[Key]:
        return [Key(*row) for row in self._db.execute(query, values)]

    def observe(self, observer: Callable[[Change], None]) -> None:
        """Call `observer` after each commit."""
        self._observers.append(observer)

    def bell(self, resource: str) -> asyncio.Event:
        """An event that the next change of `resource` sets. Take it before reading what there is."""
        return self._bells.setdefault(resource, asyncio.Event())

    def close(self) -> None:
        """End every watch, so that a server that stops need not wait for them. Call it in its event loop."""
        self.closing = True
        for bell in self._bells.values():
            bell.set()

    def _change(self, kind: ChangeType, key: Key, obj: Obj, previous: str | None) -> Change:
        version = self.version + 1
        obj["metadata"]["resourceVersion"] = str(version)
        return Change(version, kind, key, json.dumps(obj, separators=(",", ":")), previous)

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
        if bell := self._bells.pop(change.key.resource, None):
            bell.set()
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


def _after(resource: str, namespace: str | None, after: Place) -> tuple[str, tuple[str, ...]]:
    """A condition that the index answers: SQLite seeks in it by the last column or the last two."""
    if namespace is None:
        return "resource = ? AND (namespace, name) > (?, ?)", (resource, *after)
    name = after.name if after.namespace == namespace else ""
    return "resource = ? AND namespace = ? AND name > ?", (resource, namespace, name)
