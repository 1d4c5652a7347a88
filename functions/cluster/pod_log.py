"""Follow the log of a pod's default container over broken connections; each line is yielded once.

A log connection ends with the container, but also when the API server, the kubelet or a proxy closes it. After each
end the pod is read: until its container has ended the log is opened again at the second of the last line, and lines of
that second that were yielded already are skipped.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from functions.cluster.client import Cluster, Object
from functions.cluster.containers import default_container, default_state
from functions.cluster.errors import Invalid, Unavailable
from functions.cluster.kinds import POD

Pause = Callable[[float], None]

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Bounds of the seconds between two attempts to open a log; doubled each time."""


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of a log to read: lines since a time (RFC 3339), at most the last `tail` of them."""

    since: str = ""
    tail: int | None = None


ALL = Portion()


class PodLog:
    """The log of a pod, from its first line on, or as a portion says."""

    def __init__(self, cluster: Cluster, pod: Object, pause: Pause = time.sleep, portion: Portion = ALL) -> None:
        self._cluster = cluster
        self._namespace, self._name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        self._container = default_container(pod)
        self._pause = pause
        self._second, self._tail = portion.since, portion.tail
        self._shown: Counter[str] = Counter()
        """Timestamps of the lines that were yielded for this second."""

    def read(self) -> Iterator[str]:
        """Yield the lines written so far.

        Raises:
            ClusterError: the log could not be read.
        """
        return self._lines(follow=False)

    def follow(self) -> Iterator[str]:
        """Yield all lines until the container has ended.

        Raises:
            NotFound: the pod was deleted.
            ClusterError: the log could not be read.
        """
        wait = FIRST_PAUSE
        while True:
            before = self._shown.copy(), self._second
            complete = True
            try:
                yield from self._lines(follow=True)
            except Unavailable:  # broken connection: read the rest first, even of a pod that has ended
                complete = False
            except Invalid:  # the container has not started or was removed
                complete = True
            if complete and _ended(self._pod()):
                return
            self._pause(wait)
            moved_on = before != (self._shown, self._second)
            wait = FIRST_PAUSE if moved_on else min(wait * 2, LONGEST_PAUSE)

    def _pod(self) -> Object:
        try:
            return self._cluster.get(POD, self._namespace, self._name)
        except Unavailable:
            return {}

    def _lines(self, *, follow: bool) -> Iterator[str]:
        repeated = self._shown.copy()
        tail, self._tail = self._tail, None  # what is read after a cut is what came since
        lines = self._cluster.log(
            self._namespace, self._name, container=self._container, follow=follow, since=self._second, tail=tail
        )
        for stamp, text in lines:
            if repeated[stamp]:
                repeated[stamp] -= 1
                continue
            if (second := _second(stamp)) != self._second:
                self._second, self._shown = second, Counter()
            self._shown[stamp] += 1
            yield text


def _second(stamp: str) -> str:
    """Return the timestamp without its fraction, which the kubelet ignores in sinceTime."""
    return re.sub(r"\.\d+", "", stamp)


def started(pod: Object) -> bool:
    """Return whether the pod's default container has started and therefore has a log."""
    return _ended(pod) or "running" in default_state(pod)


def _ended(pod: Any) -> bool:
    """Return whether the default container has ended; other containers may keep the pod running."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed") or "terminated" in default_state(pod)
