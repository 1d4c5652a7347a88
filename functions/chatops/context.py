"""Where somebody asks for something: the repository's configuration, the pull request, the run that is meant.

Each is looked up when it is first wanted, and then known.
"""

import base64
from functools import cached_property
from typing import Any

from functions.chatops import run_requests
from functions.github.api import responses
from functions.github.api.client import Repository
from functions.github.api.errors import NotFound
from functions.github.commands import configuration as configurations
from functions.github.commands.configuration import PATH, BadConfiguration, Configuration
from functions.github.webhook.branches import is_ours
from functions.github.webhook.decisions import CommandRequest
from functions.github.webhook.event import Pull, WebhookEvent, pull
from functions.runs import requests
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies


class CommandContext:
    """What surrounds an ask. Everything raises GithubError or ClusterError where it cannot be looked up."""

    def __init__(
        self, services: Dependencies, repository: Repository, happening: WebhookEvent, ask: CommandRequest
    ) -> None:
        self._services, self._repository, self._happening, self._ask = services, repository, happening, ask

    @cached_property
    def configuration(self) -> Configuration | BadConfiguration:
        """Of the default branch, which GitHub takes where none is named; never of a branch that is worked on."""
        try:
            return configurations.parse(_content(self._repository.get(f"contents/{PATH}")))
        except NotFound:
            return Configuration()
        except BadConfiguration as bad:
            return bad

    @cached_property
    def pull(self) -> Pull | None:
        """The pull request, where it was asked on one."""
        if self._ask.pull or not self._ask.on_pull:
            return self._ask.pull
        path = f"pulls/{self._ask.number}"
        shown = self._repository.get(path)
        for branch in ("head", "base"):
            responses.text(shown, f"GET {path}", branch, "ref")
        return pull(shown, self._happening.repository_id)

    @property
    def base(self) -> str:
        """The branch that work starts from: where the pull request goes to, else the default branch."""
        default = self._happening.text("repository", "default_branch") or "main"
        return (self.pull.base if self.pull else "") or default

    @property
    def run(self) -> Run | None:
        """The run whose pull request this is, else the last one that was asked for here before this was.

        So it is the same however often this comes, unless a run was deleted.
        """
        return self._of_pull or run_requests.latest(self._of_issue, self._ask.moment)

    @property
    def was_done(self) -> bool:
        """Whether what is asked was done before by another run than is meant by now."""
        key = self._ask.key
        if self._of_pull:
            return False
        of_another = any(requests.is_applied(run, key) for run in self._of_issue)
        return of_another or run_requests.was_asked_of_deleted(self._services, key)

    @cached_property
    def _of_pull(self) -> Run | None:
        return self.run_of(self.pull.head) if self.pull and is_ours(self.pull) else None

    @cached_property
    def _of_issue(self) -> list[Run]:
        return run_requests.of_issue(self._services, self._happening.repository_id, self._ask.number)

    def run_of(self, branch: str) -> Run | None:
        """The run that commits on a branch of the repository."""
        return run_requests.of_branch(self._services, self._happening.repository, self._happening.repository_id, branch)


def _content(shown: Any) -> str:
    """The text of a file (Get repository content: above 1 MB there is none, a folder is a list).

    Raises:
        BadConfiguration: it is none that can be used.
        Garbled: nobody knows what is there.
    """
    if not isinstance(shown, list):
        responses.text(shown, f"GET contents/{PATH}", "type")
    try:
        if shown["encoding"] == "base64":
            return base64.b64decode(shown["content"]).decode()
    except (KeyError, TypeError, ValueError):
        pass
    raise BadConfiguration("it is no text file of at most 64 KiB in UTF-8")
