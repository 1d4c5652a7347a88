"""Posts one reply per request, however often the request is delivered.

Existing replies are looked up before and after posting. If two processes post at the same time, at least the second
one sees both replies and removes all but the oldest.
"""

import logging
from datetime import datetime, timedelta

from functions.github.api.errors import GithubError, NotFound
from functions.github.api.repository_calls import RepositoryCalls
from functions.github.commands import replies
from functions.github.json_fields import dig_number
from functions.runs.model.status import rfc3339

log = logging.getLogger("orchestrator")

LOOKBACK = timedelta(days=8)
"""How far back replies are searched. GitHub redelivers a request for three days, the queue for seven."""


class ReplyPoster:
    """The reply to one request, on one issue or pull request. Methods raise GithubError."""

    def __init__(self, repository: RepositoryCalls, number: int, key: str, app: str, now: datetime) -> None:
        self._repository, self._number, self._key, self._app = repository, number, key, app
        self._since = rfc3339(now - LOOKBACK)
        self.last_listed: list[replies.Comment] = []
        """The comments of the last look-up, the oldest first."""

    def is_posted(self) -> bool:
        """Return whether the request has a reply."""
        return bool(self._posted())

    def last_cancel(self) -> str:
        """Return when the last /cancel that had a reply at the last look-up was made (replies.py)."""
        return replies.last_cancel(self.last_listed, self._app)

    def post_once(self, text: str, more_markers: str = "") -> None:
        """Post the reply unless the request has one."""
        if self.is_posted():
            return
        body = f"{replies.marker(self._key)}{more_markers}\n{text}"
        self._repository.post(f"issues/{self._number}/comments", {"body": body})
        for duplicate in self._posted()[1:]:
            self._remove(dig_number(duplicate, "id"))

    def _posted(self) -> list[replies.Comment]:
        pages = self._repository.pages(f"issues/{self._number}/comments", since=self._since)
        self.last_listed = list(pages)
        return replies.select_replies(self.last_listed, self._key, self._app)

    def _remove(self, comment: int) -> None:
        try:
            self._repository.delete(f"issues/comments/{comment}")
        except NotFound:
            log.info("comment %d is already deleted", comment)


def add_reaction(repository: RepositoryCalls, path: str) -> None:
    """Add an "eyes" reaction to the comment whose reactions are at `path`; log and ignore GitHub's errors."""
    try:
        repository.post(path, {"content": "eyes"})
    except GithubError as error:
        log.info("could not add a reaction: %s", error)
