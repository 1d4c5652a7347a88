"""The result of a check, and the context of the checks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError
from functions.cluster.transport import Request, Transport
from functions.github.api.client import Github
from functions.settings.model import Settings

State = Literal["ok", "problem", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the result. A problem's text says what is wrong and what to do; `unknown` says why."""

    check: str
    state: State
    text: str


Fetch = Callable[[str, str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]
"""Sends a method to a URL with headers; returns status, headers (lower-case names) and body. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Examined:
    """An installation: its settings, and the connections that checks use. `github` is None without an App."""

    settings: Settings
    transport: Transport
    fetch: Fetch
    github: Github | None
    clock: Callable[[], datetime]

    @property
    def cluster(self) -> Cluster:
        """The calls to the API server."""
        return Cluster(self.transport)

    @property
    def namespace(self) -> str:
        """The namespace of the runs."""
        return self.settings.namespace

    def read(self, path: str, **query: str) -> Any:
        """Return the JSON at a path of the API server. Raises ClusterError."""
        return self.transport.send(Request("GET", path, query))


Check = Callable[[Examined], Iterator[Finding]]


def ok(check: str, text: str) -> Finding:
    """Return that a check found nothing wrong."""
    return Finding(check, "ok", text)


def problem(check: str, text: str) -> Finding:
    """Return what is wrong, with what to do."""
    return Finding(check, "problem", text)


def unknown(check: str, error: ClusterError | str) -> Finding:
    """Return that a check could not be made, and why."""
    return Finding(check, "unknown", f"cannot be checked: {error}")
