"""Checks who may give commands in a repository: people with write access to it.

GitHub's answers are cached for a minute, so that many comments by one person cost one call.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Protocol
from urllib.parse import quote

from functions.github.api import responses
from functions.github.api.errors import NotFound

CACHE_LIFETIME = timedelta(minutes=1)
MAX_CACHED = 1000
"""Answers kept in memory; the oldest are dropped first."""

_WRITE = frozenset({"admin", "maintain", "write"})
"""Permissions that allow pushing. GitHub reports the role `maintain` as `write` and `triage` as `read` (Get repository
permissions for a user)."""


class Repository(Protocol):
    """A repository on GitHub, as far as it is read here; the calls that write to one load what the webhook does not."""

    @property
    def name(self) -> str:
        """`owner/name`."""
        ...

    def get(self, path: str) -> Any:
        """Return the JSON at `path` below the repository. Raises GithubError."""
        ...


class Permissions:
    """A cache of permissions, shared by the threads of a process."""

    def __init__(self) -> None:
        self._cached: OrderedDict[tuple[str, str], tuple[datetime, bool]] = OrderedDict()
        self._lock = Lock()

    def may_write(self, repository: Repository, login: str, now: datetime) -> bool:
        """Return whether the user has write access to the repository. Raises GithubError."""
        key = (repository.name.lower(), login.lower())
        with self._lock:
            fetched_at, allowed = self._cached.get(key, (None, False))
        if fetched_at and fetched_at <= now < fetched_at + CACHE_LIFETIME:
            return allowed
        allowed = _fetch(repository, login)
        with self._lock:
            self._cached[key] = (now, allowed)
            self._cached.move_to_end(key)
            while len(self._cached) > MAX_CACHED:
                self._cached.popitem(last=False)
        return allowed


def _fetch(repository: Repository, login: str) -> bool:
    path = f"collaborators/{quote(login, safe='')}/permission"
    try:
        return responses.text(repository.get(path), f"GET {path}", "permission") in _WRITE
    except NotFound:
        return False
