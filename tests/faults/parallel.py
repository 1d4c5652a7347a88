"""Plays the schedules of different stages on all processors at once: they have nothing in common.

The processes are started afresh (spawn), not forked: the test process has threads of servers in it.
"""

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

Check = Callable[..., int]
"""Plays what belongs to the given kind of run and stage, and says how much it was. Raises AssertionError."""


def _quiet() -> None:
    logging.disable(logging.CRITICAL)  # the functions tell of every fault, and there are thousands


class CheckPool:
    """All plays that were asked for, each done once."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"), initializer=_quiet)
        self._plays: dict[tuple[Any, ...], Future[int]] = {}

    def submit_all(self, play: Check, all_of_them: Iterable[tuple[Any, ...]]) -> None:
        """Starts a play for each of these arguments, unless it was started before."""
        for arguments in all_of_them:
            if (play, *arguments) not in self._plays:
                self._plays[play, *arguments] = self._pool.submit(play, *arguments)

    def result(self, play: Check, *arguments: Any) -> int:
        """What it came to. Raises what it raised."""
        return self._plays[play, *arguments].result()

    def close(self) -> None:
        """Ends what is under way, and the processes."""
        self._pool.shutdown(cancel_futures=True)
