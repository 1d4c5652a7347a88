"""Runs the schedules of different starting states in parallel processes: they are independent.

The processes are spawned, not forked: the test process runs threads of servers.
"""

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

Check = Callable[..., int]
"""Runs the schedules of a kind of run and a starting state; returns their number. Raises AssertionError."""


def _quiet() -> None:
    logging.disable(logging.CRITICAL)  # the functions log each of thousands of faults


class CheckPool:
    """The checks submitted so far, each run once."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"), initializer=_quiet)
        self._plays: dict[tuple[Any, ...], Future[int]] = {}

    def submit_all(self, play: Check, all_of_them: Iterable[tuple[Any, ...]]) -> None:
        """Start the check for each tuple of arguments, unless it was started before."""
        for arguments in all_of_them:
            if (play, *arguments) not in self._plays:
                self._plays[play, *arguments] = self._pool.submit(play, *arguments)

    def result(self, play: Check, *arguments: Any) -> int:
        """Wait for the check and return its number of schedules. Raise its error."""
        return self._plays[play, *arguments].result()

    def close(self) -> None:
        """Cancel the checks that have not started, and end the processes."""
        self._pool.shutdown(cancel_futures=True)
