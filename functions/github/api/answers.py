"""Answers people with a comment, once per request, however often the request comes.

Whoever writes one looks first, and looks again afterwards: of two answers to one request the oldest stays, so that of
two writers at least the second sees both.
"""

import logging
from datetime import datetime, timedelta

from functions.github.api.client import Repository
from functions.github.api.errors import GithubError, NotFound
from functions.github.commands import replies
from functions.github.webhook.event import dig_number
from functions.runs.model.status import rfc3339

log = logging.getLogger("orchestrator")

SINCE = timedelta(days=8)
"""How far back an answer is looked for: a request comes again within three days from GitHub, seven from the queue."""


class Answers:
    """The answer to one request, on one issue or pull request."""

    def __init__(self, repository: Repository, number: int, key: str, app: str, now: datetime) -> None:
        self._repository, self._number, self._key, self._app = repository, number, key, app
        self._since = rfc3339(now - SINCE)

    def given(self) -> bool:
        """Whether it was given. Raises GithubError."""
        return bool(self._found())

    def give(self, text: str) -> None:
        """Gives it, if it was not given. Raises GithubError."""
        if self.given():
            return
        body = f"{replies.marker(self._key)}\n{text}"
        self._repository.post(f"issues/{self._number}/comments", {"body": body})
        for each in self._found()[1:]:
            self._remove(dig_number(each, "id"))

    def _found(self) -> list[replies.Comment]:
        comments = self._repository.pages(f"issues/{self._number}/comments", since=self._since)
        return replies.answers(comments, self._key, self._app)

    def _remove(self, comment: int) -> None:
        try:
            self._repository.delete(f"issues/comments/{comment}")
        except NotFound:
            log.info("the comment %d is gone already", comment)


def react(repository: Repository, path: str) -> None:
    """Shows whoever wrote it that it was taken up. It is a courtesy: where it fails, nothing else does."""
    try:
        repository.post(path, {"content": "eyes"})
    except GithubError as error:
        log.info("no reaction was left: %s", error)
