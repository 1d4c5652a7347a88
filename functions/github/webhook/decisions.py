"""The decisions of webhook rules: what an event asks the orchestrator to do. Pure.

CommandRequest       run a command; requires write access and depends on the repository's configuration
PullRequestChanged   record the state of a run's pull request
ChecksChanged        record the state of the checks on a run's branch
MergeGroupChecks     report our check in the merge queue
InvalidateTokens     forget tokens, because the App's permissions changed
LogOnly              write a log line
"""

from dataclasses import dataclass
from typing import Literal

from functions.github.commands.parse import Cancel, Command
from functions.github.webhook.event import PullRequest, WebhookEvent, parse_time
from functions.runs.model.status import rfc3339


@dataclass(frozen=True, slots=True)
class MappingTriggered:
    """A label was added or a user assigned; the repository's configuration may map it to a command."""

    by: Literal["labels", "assignees"]
    name: str
    title: str
    """The title of the issue, which may contain a task's number."""


@dataclass(frozen=True, slots=True)
class FeedbackReceived:
    """A review or a failed check of a run's pull request, which leads to an automatic retry."""

    source: Literal["review", "check"]
    description: str
    """For the prompt."""
    branch: str
    """The run's, or one of the merge queue."""
    subject: str
    """The source of the feedback (reports/feedback.py); of one source only the newest feedback counts."""
    number: int
    """The id of the check run, status or review."""
    commit: str = ""
    """The commit that was checked; empty if the source names none."""


@dataclass(frozen=True, slots=True)
class Closed:
    """An issue or pull request was closed, which cancels its runs if the repository configures that."""


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A request by a person, or by a check.

    `key` identifies what happened and not its delivery: it is equal in every delivery of the same event.
    """

    key: str
    trigger: Command | MappingTriggered | FeedbackReceived | Closed
    number: int
    """The issue or pull request that the run belongs to and where replies are posted."""
    login: str = ""
    """The user who must have write access; empty for a check."""
    url: str = ""
    """The page of the comment, review or check run."""
    on_pull_request: bool = False
    pull_request: PullRequest | None = None
    """The pull request, if the event contains it."""
    written_at: str = ""
    """The comment, issue or pull request that contains the request, below the repository; empty if none does."""
    sort_key: str = ""
    """The time of the request (see `sort_key`)."""
    edit: str = ""
    """The time at which the text was edited; empty if it was not."""

    @property
    def applied_key(self) -> str:
        """The key that a run keeps once it was applied to it: an edit may put a /cancel where another command was."""
        return f"{self.reply_key}/cancel" if isinstance(self.trigger, Cancel) else self.key

    @property
    def reply_key(self) -> str:
        """The key of its reply: an edited text is replied to again."""
        return f"{self.key}/{self.edit}" if self.edit else self.key


@dataclass(frozen=True, slots=True)
class PullRequestChanged:
    """The pull request of a run's branch was opened, changed or closed."""

    pull_request: PullRequest
    state: Literal["Open", "Merged", "Closed"]


@dataclass(frozen=True, slots=True)
class ChecksChanged:
    """A check or a commit status on a run's branch changed."""

    branch: str
    commit: str
    """The commit that was checked, which need not be the branch's last one."""
    passed: bool = False
    """Whether it is one check that passed."""


@dataclass(frozen=True, slots=True)
class MergeGroupChecks:
    """The merge queue tests a pull request, by its number, on a commit of its own."""

    pull_request: int
    commit: str


@dataclass(frozen=True, slots=True)
class InvalidateTokens:
    """Tokens of these repositories, or of all if none is named, may no longer be valid."""

    message: str
    repositories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogOnly:
    """An event that is only logged."""

    message: str


Decision = CommandRequest | PullRequestChanged | ChecksChanged | MergeGroupChecks | InvalidateTokens | LogOnly


def key(event: WebhookEvent, *parts: object) -> str:
    """Return the key of something in a repository; it contains the repository's id, which survives a renaming."""
    return "/".join(str(part) for part in (event.repository_id, *parts))


def sort_key(timestamp: str, number: int = 0, ordinal: int = 0) -> str:
    """Return text by which requests sort in the order they were made; empty if `timestamp` is not RFC 3339.

    The order is GitHub's timestamp, then the object's id, then the ordinal of the command in it. It does not depend on
    when the request was delivered.
    """
    time = parse_time(timestamp)
    return f"{rfc3339(time)} {number:020} {ordinal:06}" if time else ""
