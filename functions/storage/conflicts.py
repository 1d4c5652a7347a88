"""Optimistic concurrency: repeat a read, change and write that another process interfered with."""

from collections.abc import Callable
from typing import TypeVar

from functions.cluster.errors import Conflict

MAX_TRIES = 12
"""Tries before the caller gives up and its event is delivered again. Far more than one run has writers."""

T = TypeVar("T")


def retry_on_conflict(work: Callable[[], T], gave_up: str, tries: int = MAX_TRIES) -> T:
    """Return what `work` returns, repeating it while it raises Conflict.

    `work` reads the object that it writes, so that each try decides on the present version.

    Raises:
        Conflict: all `tries` failed; the text names the number of tries, then `gave_up`.
        ClusterError: any other error of `work`.
    """
    last = None
    for _ in range(tries):
        try:
            return work()
        except Conflict as conflict:
            last = conflict
    raise Conflict(f"{tries} tries met a conflicting write: {gave_up}") from last
