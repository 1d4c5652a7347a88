"""Group commit: the writes of one iteration of the event loop share one transaction and one disk sync.

Each caller waits for the commit of its own write, so that "stored" is never answered too early. Under load the disk is
the slowest part, and one commit per message would be slower.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class GroupCommit:
    """All writes to the queue's tables; used from one event loop."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []

    async def write(self, work: Callable[[], Result]) -> Result:
        """Return the result of `work` once it is on disk; raise sqlite3.Error if the transaction was rolled back."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((work, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._commit)
        return await future

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            results = self._transaction([work for work, _ in waiting])
        except Exception as error:  # noqa: BLE001  (passed on to every caller)
            for _, future in waiting:
                _settle(future.set_exception, future, error)
            return
        for (_, future), result in zip(waiting, results, strict=True):
            _settle(future.set_result, future, result)

    def _transaction(self, works: list[Callable[[], Any]]) -> list[Any]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            results = [work() for work in works]
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return results


def _settle(settle: Callable[[Any], None], future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():  # the caller may have been cancelled
        settle(value)
