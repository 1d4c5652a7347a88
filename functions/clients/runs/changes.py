"""List and watch runs of one kind.

A watch that ends or fails is reopened at its last resource version. If the server no longer has that version (410),
everything is listed again, and runs that have disappeared are reported as gone.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from functions.clients.runs.podlog import FIRST_PAUSE, LONGEST_PAUSE, Pause
from functions.cluster.client import Cluster, Object
from functions.cluster.errors import Gone, Unavailable, from_status
from functions.cluster.kinds import Kind


@dataclass(frozen=True, slots=True)
class Change:
    """A run that `is` present or `gone`, or `trouble` with the cluster, which is retried."""

    what: Literal["is", "gone", "trouble"]
    run: Object
    why: str = ""


class Changes:
    """Changes of the runs of one kind in a namespace, or of the run `name`."""

    def __init__(self, cluster: Cluster, kind: Kind, namespace: str, name: str = "", pause: Pause = time.sleep) -> None:
        self._cluster, self._kind, self._namespace = cluster, kind, namespace
        self._name = name
        self._pause = pause
        self._version = ""
        self._known: dict[str, Object] = {}

    def follow(self) -> Iterator[Change]:
        """Yield every run, then every change, without end.

        Raises:
            ClusterError: a retry would not help.
        """
        wait = FIRST_PAUSE
        while True:
            try:
                if not self._version:
                    yield from self._list()
                yield from self._watch()
                wait = FIRST_PAUSE
            except Gone:
                self._version = ""
            except Unavailable as error:
                yield Change("trouble", {}, str(error))
                wait = min(max(wait * 2, error.retry_after or 0), LONGEST_PAUSE)
            self._pause(wait)

    def _list(self) -> Iterator[Change]:
        token, version, current = "", "", dict[str, Object]()
        while True:
            page = self._cluster.list_page(self._kind, self._namespace, "", token, fields=self._fields)
            version = version or page["metadata"]["resourceVersion"]
            current |= {item["metadata"]["uid"]: item for item in page["items"]}
            token = page["metadata"].get("continue", "")
            if not token:
                break
        gone = [run for uid, run in self._known.items() if uid not in current]
        self._known, self._version = current, version
        yield from (Change("gone", run) for run in gone)
        yield from (Change("is", run) for run in list(current.values()))
        if self._name and not current and not gone:
            yield Change("gone", {"kind": self._kind.name, "metadata": {"name": self._name}})

    @property
    def _fields(self) -> str:
        return f"metadata.name={self._name}" if self._name else ""

    def _watch(self) -> Iterator[Change]:
        for verb, item in self._cluster.watch(self._kind, self._namespace, self._version, fields=self._fields):
            if verb == "ERROR":
                raise from_status(item.get("code", 500), json.dumps(item).encode(), None)
            self._version = item["metadata"]["resourceVersion"]
            uid = item["metadata"].get("uid")
            if verb == "DELETED":
                self._known.pop(uid, None)
                yield Change("gone", item)
            elif verb != "BOOKMARK":
                self._known[uid] = item
                yield Change("is", item)
