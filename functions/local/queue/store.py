"""The queue's tables. A message is kept while any subscription has not acknowledged it.

    queue_messages      what was published
    queue_deliveries    one row per message and subscription: waiting, or dead when `dead_topic` is set

Leases are not stored: a delivery in flight when the process dies is due again immediately.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from functions.local.queue.message import Message

_TABLES = """
CREATE TABLE IF NOT EXISTS queue_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL,
    published REAL NOT NULL, schedule TEXT);
CREATE INDEX IF NOT EXISTS queue_ticks ON queue_messages (schedule) WHERE schedule IS NOT NULL;
CREATE TABLE IF NOT EXISTS queue_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, message INTEGER NOT NULL REFERENCES queue_messages ON DELETE CASCADE,
    subscription TEXT NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    backoff REAL NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', dead_topic TEXT);
CREATE INDEX IF NOT EXISTS queue_due ON queue_deliveries (subscription, due) WHERE dead_topic IS NULL;
CREATE INDEX IF NOT EXISTS queue_dead ON queue_deliveries (dead_topic) WHERE dead_topic IS NOT NULL;
CREATE INDEX IF NOT EXISTS queue_owed ON queue_deliveries (message);
"""

_SELECT = """
SELECT d.id, d.message, d.subscription, d.due, d.attempts, d.backoff, d.reason,
       m.topic, m.published, m.headers, m.body
FROM queue_deliveries d JOIN queue_messages m ON m.id = d.message
"""


@dataclass(frozen=True)
class Delivery:
    """One message for one subscription; times are in seconds since the epoch, `backoff` is in seconds.

    `attempts` counts the pushes that reached the consumer; `backoff` is the last wait and `reason` its cause.
    """

    id: int
    message_id: int
    subscription: str
    due: float
    attempts: int
    backoff: float
    reason: str
    topic: str
    published: float
    message: Message


class Store:
    """The tables; call methods that write only within a transaction of the group commit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.executescript(_TABLES)

    def publish(
        self, topic: str, message: Message, subscriptions: list[str], now: float, schedule: str | None = None
    ) -> int:
        """Store the message for each subscription and return its id."""
        row = (topic, json.dumps(dict(message.headers)), message.body, now, schedule)
        insert = "INSERT INTO queue_messages (topic, headers, body, published, schedule) VALUES (?, ?, ?, ?, ?)"
        message_id = self._connection.execute(insert, row).lastrowid
        assert message_id
        self._connection.executemany(
            "INSERT INTO queue_deliveries (message, subscription, due) VALUES (?, ?, ?)",
            [(message_id, name, now) for name in subscriptions],
        )
        if not subscriptions:  # as on Pub/Sub, a message without a subscription is not kept
            self._connection.execute("DELETE FROM queue_messages WHERE id = ?", (message_id,))
        return message_id

    def delete(self, delivery: Delivery) -> None:
        """Delete an acknowledged or dropped delivery, and the message with its last delivery."""
        self._connection.execute("DELETE FROM queue_deliveries WHERE id = ?", (delivery.id,))
        other_deliveries = "SELECT 1 FROM queue_deliveries WHERE message = ?"
        self._connection.execute(
            f"DELETE FROM queue_messages WHERE id = ? AND NOT EXISTS ({other_deliveries})",  # noqa: S608  (constant text)
            (delivery.message_id, delivery.message_id),
        )

    def update(self, delivery: Delivery, dead_topic: str | None = None) -> None:
        """Write the next state of a delivery, which waits or is dead."""
        self._connection.execute(
            "UPDATE queue_deliveries SET due = ?, attempts = ?, backoff = ?, reason = ?, dead_topic = ? WHERE id = ?",
            (delivery.due, delivery.attempts, delivery.backoff, delivery.reason, dead_topic, delivery.id),
        )

    def due(self, subscription: str, now: float, limit: int) -> Iterator[Delivery]:
        """Return the due deliveries, longest due first."""
        where = "WHERE d.subscription = ? AND d.dead_topic IS NULL AND d.due <= ? ORDER BY d.due, d.id LIMIT ?"
        return map(_delivery, self._connection.execute(_SELECT + where, (subscription, now, limit)).fetchall())

    def next_due(self, subscription: str, now: float) -> float | None:
        """Return when the next delivery after `now` is due."""
        select = "SELECT MIN(due) FROM queue_deliveries WHERE subscription = ? AND dead_topic IS NULL AND due > ?"
        due: float | None = self._connection.execute(select, (subscription, now)).fetchone()[0]
        return due

    def dead(self, topic: str) -> Iterator[Delivery]:
        """Return the dead letters of a topic, oldest first."""
        where = "WHERE d.dead_topic = ? ORDER BY d.id"
        return map(_delivery, self._connection.execute(_SELECT + where, (topic,)).fetchall())

    def counts(self, subscription: str) -> tuple[int, int]:
        """Return how many deliveries wait, and how many are dead."""
        select = "SELECT COUNT(*), COUNT(dead_topic) FROM queue_deliveries WHERE subscription = ?"
        kept, dead = self._connection.execute(select, (subscription,)).fetchone()
        return kept - dead, dead

    def outstanding(self, schedule: str) -> bool:
        """Return whether the last event of a schedule is still being delivered."""
        select = """SELECT 1 FROM queue_messages m JOIN queue_deliveries d ON d.message = m.id
                    WHERE m.schedule = ? AND d.dead_topic IS NULL LIMIT 1"""
        return self._connection.execute(select, (schedule,)).fetchone() is not None


def _delivery(row: tuple[Any, ...]) -> Delivery:
    fields = (*row[:-2], Message(json.loads(row[-2]), row[-1]))
    return Delivery(*fields)
