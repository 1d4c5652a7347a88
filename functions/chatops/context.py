"""The context of a command on GitHub: the repository's configuration, the pull request, the run that is meant."""

import base64
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from functions.chatops import run_requests
from functions.github.api import responses
from functions.github.api.client import Github
from functions.github.api.errors import NotFound
from functions.github.api.recent_event import RecentEventCalls
from functions.github.api.repository_calls import RepositoryCalls
from functions.github.commands import configuration as configurations
from functions.github.commands import issue_task
from functions.github.commands.configuration import PATH, PATHS, BadConfiguration, Configuration
from functions.github.commands.lines import mentions_with_command
from functions.github.json_fields import dig_number, dig_text
from functions.github.webhook.branches import is_from_run, queued_pull_request
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived, sort_key
from functions.github.webhook.event import PullRequest, WebhookEvent, parse_pull_request
from functions.runs import requests
from functions.runs.model.code_run_spec import TaskDefinition
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies


class CommandContext:
    """The objects to which a request refers, read when first used. Properties raise GithubError and ClusterError."""

    def __init__(self, deps: Dependencies, github: Github, event: WebhookEvent, request: CommandRequest) -> None:
        self._deps, self._github, self._event, self._request = deps, github, event, request
        self._repository = github.repository(event.repository, event.repository_id)

    @cached_property
    def configuration(self) -> Configuration | BadConfiguration:
        """The configuration on the default branch, never on a branch that agents or forks can write."""
        return read_configuration(self._repository)

    @cached_property
    def pull_request(self) -> PullRequest | None:
        """The pull request that the request was made on; None if it was made on an issue."""
        if self._request.pull_request or not self._request.on_pull_request:
            return self._request.pull_request
        path = f"pulls/{self._request.number}"
        answer = self._recent.get(path)
        for branch in ("head", "base"):
            responses.text(answer, f"GET {path}", branch, "ref")
        return parse_pull_request(answer, self._event.repository_id)

    @cached_property
    def issue(self) -> Mapping[str, Any]:
        """The issue or pull request that the request was made on, as GitHub shows it now."""
        path = f"issues/{self._request.number}"
        answer = self._recent.get(path)
        responses.text(answer, f"GET {path}", "title")
        return dict(answer)

    def issue_as_task(self, may_write: Callable[[str], bool]) -> TaskDefinition | None:
        """Return the issue that the request was made on as a task; None for a pull request."""
        if self._request.on_pull_request:
            return None
        comments = self._recent.pages(f"issues/{self._request.number}/comments")
        earlier = (item for item in comments if self._is_earlier(item))
        return issue_task.build(self.issue, earlier, may_write, self.app_in)

    def app_in(self, text: str) -> str:
        """Return the App's name if the text may mention it in front of a command, else an empty string."""
        return app_in(self._github, text)

    def _is_earlier(self, comment: Mapping[str, Any]) -> bool:
        """Return whether a comment was made before the request, or contains it."""
        made = sort_key(dig_text(comment, "created_at"), dig_number(comment, "id"))
        return not self._request.sort_key or made <= self._request.sort_key

    @property
    def _recent(self) -> RepositoryCalls:
        return RecentEventCalls(self._repository, self._event.time, self._deps.clock)

    @property
    def base(self) -> str:
        """The branch that work starts from: the pull request's base, else the default branch."""
        default = self._event.text("repository", "default_branch") or "main"
        return (self.pull_request.base if self.pull_request else "") or default

    @property
    def run(self) -> Run | None:
        """The run whose pull request this is, else the last run requested here before this request.

        The result is the same in every delivery of the request, unless a run is deleted.
        """
        return self._run_of_pull_request or run_requests.latest_before(self._runs_of_issue, self._request.sort_key)

    @property
    def was_applied(self) -> bool:
        """Whether the request was applied before to another run than `run`."""
        key = self._request.applied_key
        if self._run_of_pull_request:
            return False
        to_another = any(requests.is_applied(run, key) for run in self._runs_of_issue)
        return to_another or run_requests.was_applied_to_deleted_run(self._deps, key)

    @property
    def runs_here(self) -> list[Run]:
        """The run whose pull request this is, and the runs requested here."""
        of_pull_request = self._run_of_pull_request
        others = [run for run in self._runs_of_issue if not of_pull_request or run.uid != of_pull_request.uid]
        return [*([of_pull_request] if of_pull_request else []), *others]

    @cached_property
    def _run_of_pull_request(self) -> Run | None:
        pull_request = self.pull_request
        return self.run_of_branch(pull_request.head) if pull_request and is_from_run(pull_request) else None

    @cached_property
    def _runs_of_issue(self) -> list[Run]:
        return run_requests.list_by_issue(self._deps, self._event.repository_id, self._request.number)

    def run_of_feedback(self, feedback: FeedbackReceived) -> Run | None:
        """Return the run that the feedback is about; None if there is none."""
        in_merge_queue = bool(queued_pull_request(feedback.branch))
        return self._run_of_pull_request if in_merge_queue else self.run_of_branch(feedback.branch)

    def run_of_branch(self, branch: str) -> Run | None:
        """Return the run that commits to a branch of the repository; None if there is none."""
        return run_requests.find_by_branch(self._deps, self._event.repository, self._event.repository_id, branch)


def app_in(github: Github, text: str) -> str:
    """Return the App's name (slug) if the text mentions somebody in front of a command, else an empty string.

    Raises GithubError.
    """
    return github.app_name() if mentions_with_command(text) else ""


def read_configuration(calls: RepositoryCalls) -> Configuration | BadConfiguration:
    """Return the configuration on the default branch; the defaults if there is no file. Raises GithubError."""
    for path in PATHS:
        try:
            return configurations.parse(_decode(calls.get(f"contents/{path}")))
        except NotFound:
            continue
        except BadConfiguration as bad:
            return bad
    return Configuration()


def _decode(answer: Any) -> str:
    """Return the text of a file (Get repository content: above 1 MB it has none; a folder is a list).

    Raises:
        BadConfiguration: it is not a text file.
        InvalidResponse: the answer cannot be understood.
    """
    if not isinstance(answer, list):
        responses.text(answer, f"GET contents/{PATH}", "type")
    try:
        if answer["encoding"] == "base64":
            return base64.b64decode(answer["content"]).decode()
    except (KeyError, TypeError, ValueError):
        pass
    raise BadConfiguration("is not a UTF-8 text file of at most 64 KiB")
