"""Posts one reply per request, however often the request is delivered.

Existing replies are looked up before and after posting. If two processes post at the same time, at least the second
one sees both replies and removes all but the oldest.
"""

import logging
from datetime import datetime, timedelta

from functions.github.api.errors import GithubError, NotFound
from functions.github.api.sync import RepositoryCalls
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

    def is_posted(self) -> bool:
        """Return whether the request has a reply."""
        return bool(self._posted())

    def post_once(self, text: str) -> None:
        """Post the reply unless the request has one."""
        if self.is_posted():
            return
        body = f"{replies.marker(self._key)}\n{text}"
        self._repository.post(f"issues/{self._number}/comments", {"body": body})
        for duplicate in self._posted()[1:]:
            self._remove(dig_number(duplicate, "id"))

    def _posted(self) -> list[replies.Comment]:
        comments = self._repository.pages(f"issues/{self._number}/comments", since=self._since)
        return replies.select_replies(comments, self._key, self._app)

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
