"""What rules decide that an event comes to. Pure.

Ask          somebody wants something of us: it takes write access, and what the repository configures
PullNews     a pull request of a run's branch: recorded on the run
Forget       what the App may do has changed: tokens made before are forgotten
Note         a line in the log, nothing else
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from functions.github.commands.parse import Command
from functions.github.webhook.event import Pull, WebhookEvent
from functions.runs.model.status import rfc3339


@dataclass(frozen=True, slots=True)
class MappingTriggered:
    """A label was put on, or somebody assigned: the repository's configuration may have a command for it."""

    by: Literal["labels", "assignees"]
    name: str
    title: str
    """Of the issue, which may name a task."""


@dataclass(frozen=True, slots=True)
class FeedbackReceived:
    """A pull request of ours did not please: its run is to try again, as often as it may of its own accord."""

    source: Literal["review", "check"]
    words: str
    """What is wrong, for the prompt."""
    branch: str
    commit: str = ""
    """What was looked at; empty: whatever the branch has."""
    review: int = 0
    """Its comments on lines are read too."""


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """Something that somebody wants of us.

    `key` is the same whenever and however often it arrives: it is what happened, not what tells of it.
    """

    key: str
    what: Command | MappingTriggered | FeedbackReceived
    number: int
    """The issue or pull request: where answers go, and what the run belongs to."""
    login: str = ""
    """Who must have write access; empty where no person is behind it."""
    url: str = ""
    """The page of what asked."""
    on_pull: bool = False
    pull: Pull | None = None
    """The pull request, where the event shows it."""
    reactions: str = ""
    """Path of the reactions to what asked; empty where there can be none."""
    moment: str = ""
    """When it was asked for, see `moment`."""


@dataclass(frozen=True, slots=True)
class PullRequestChanged:
    """What became of the pull request of a branch of ours."""

    pull: Pull
    state: Literal["Open", "Merged", "Closed"]


@dataclass(frozen=True, slots=True)
class InvalidateTokens:
    """Tokens are made anew, of the repositories or of all of them."""

    message: str
    repositories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogOnly:
    """Worth a line in the log."""

    message: str


Decision = CommandRequest | PullRequestChanged | InvalidateTokens | LogOnly


def key(happening: WebhookEvent, *parts: object) -> str:
    """The key of something that happened in a repository, whatever the repository is called by then."""
    return "/".join(str(part) for part in (happening.repository_id, *parts))


def sort_key(at: str, number: int = 0, ordinal: int = 0) -> str:
    """When something was asked for, as text that sorts: `at` by GitHub's clock, then its number, its place in it.

    However late it arrives, what was asked for before it is the same. Empty where `at` is no time.
    """
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return ""
    return f"{rfc3339(found)} {number:020} {ordinal:06}" if found.tzinfo else ""
