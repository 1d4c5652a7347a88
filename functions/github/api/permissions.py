"""Who may ask for something in a repository: whoever may write to it.

GitHub is asked, and its answer is believed for a minute, so that ten commands in a row, or a stranger's hundred, are
one question.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import quote

from functions.github.api import responses
from functions.github.api.errors import NotFound

if TYPE_CHECKING:
    from functions.github.api.client import Repository  # with all that only those need who call GitHub

BELIEVED = timedelta(minutes=1)
MOST = 1000
"""Answers kept, the youngest ones."""

_WRITE = frozenset({"admin", "maintain", "write"})
"""Permissions with which one may push. `maintain` is answered as `write`, `triage` as `read` (Get repository
permissions for a user)."""


class Permissions:
    """The answers of one process."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], tuple[datetime, bool]] = OrderedDict()
        self._lock = Lock()

    def may_write(self, repository: "Repository", login: str, now: datetime) -> bool:
        """Whether the person may write to the repository. Raises GithubError."""
        key = (repository.name.lower(), login.lower())
        with self._lock:
            asked, answer = self._known.get(key, (None, False))
        if asked and asked <= now < asked + BELIEVED:
            return answer
        answer = _ask(repository, login)
        with self._lock:
            self._known[key] = (now, answer)
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return answer


def _ask(repository: "Repository", login: str) -> bool:
    path = f"collaborators/{quote(login, safe='')}/permission"
    try:
        return responses.text(repository.get(path), f"GET {path}", "permission") in _WRITE
    except NotFound:
        return False
