"""Webhook events, as rules read them. Pure.

Payloads are filtered before (webhook/payload_filter.py). Any field may be missing, null or of another type, which
reads as empty, so that no payload makes a rule fail.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.github.json_fields import dig, dig_number, dig_text
from functions.github.repository_name import repository_name


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request."""

    number: int
    head: str
    """The branch of the pull request."""
    base: str
    """The branch that it is to be merged into."""
    fork: bool
    """Whether its branch is in another repository and therefore cannot be a run's."""
    url: str = ""


_TIMES = (
    ("comment", "created_at"),
    ("comment", "updated_at"),
    ("review", "submitted_at"),
    ("check_run", "completed_at"),
    ("issue", "updated_at"),
    ("pull_request", "updated_at"),
    ("merge_group", "head_commit", "timestamp"),
    ("updated_at",),  # of a commit status
)
"""Paths of timestamps in payloads; the latest one is the time of the event."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event: GitHub's `name` of it (`issue_comment`), its `action` (`created`) and the id of its delivery."""

    name: str
    action: str
    delivery: str
    data: Mapping[str, Any]
    allowed_bots: Collection[str] = ()
    """Logins of bots that are treated as people (setting github.bots)."""
    app: str = ""
    """The App's name (slug) if the event may mention it, else empty."""

    def text(self, *path: str) -> str:
        """Return the string at that path of the payload; empty if there is none."""
        return dig_text(self.data, *path)

    def number(self, *path: str) -> int:
        """Return the integer at that path of the payload; 0 if there is none."""
        return dig_number(self.data, *path)

    @property
    def repository(self) -> str:
        """Its repository as `owner/name`; empty if it has none."""
        return repository_name(self.text("repository", "full_name")) or ""

    @property
    def repository_id(self) -> int:
        """Its repository's id, which survives a renaming; 0 if it has none."""
        return self.number("repository", "id")

    @property
    def time(self) -> datetime | None:
        """The time of the event by GitHub's clock; None if the payload has none."""
        times = [parse_time(self.text(*path)) for path in _TIMES]
        return max((time for time in times if time), default=None)

    @property
    def sender(self) -> str:
        """The login of the user who caused it."""
        return self.text("sender", "login")

    @property
    def by_bot(self) -> bool:
        """Whether a bot or an App that is not allowed caused it or wrote its comment or review."""
        written = self.data.get("comment") or self.data.get("review")
        users = (self.data.get("sender"), dig(written, "user"))
        return any(is_bot(user) and not self._is_allowed(user) for user in users)

    def _is_allowed(self, user: Any) -> bool:
        return is_listed(dig_text(user, "login"), self.allowed_bots)

    @property
    def pull_request(self) -> PullRequest | None:
        """Its pull request; None if it has none."""
        return parse_pull_request(self.data.get("pull_request"), self.repository_id)


def is_listed(login: str, bots: Collection[str]) -> bool:
    """Return whether the settings list the login among the bots, an App's also without the [bot] that GitHub adds."""
    return any(login.casefold() in (bot.casefold(), f"{bot.casefold()}[bot]") for bot in bots)


def is_bot(user: Any) -> bool:
    """Return whether a user, as GitHub shows it, is a bot or an App."""
    return dig_text(user, "type") == "Bot" or dig_text(user, "login").endswith("[bot]")


def parse_time(text: str) -> datetime | None:
    """Return an RFC 3339 time with a zone; None if the text is not one."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def parse_pull_request(value: Any, repository_id: int) -> PullRequest | None:
    """Return a pull request of the repository from GitHub's JSON; None if it has no number."""
    number = dig_number(value, "number")
    if not number:
        return None
    return PullRequest(
        number=number,
        head=dig_text(value, "head", "ref"),
        base=dig_text(value, "base", "ref"),
        fork=dig_number(value, "head", "repo", "id") != repository_id,  # null if the fork was deleted
        url=dig_text(value, "html_url"),
    )
