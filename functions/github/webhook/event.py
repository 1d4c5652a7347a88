"""Something that happened on GitHub, as rules read it: fields of a payload, any of which may be missing. Pure.

Payloads arrive cut down to what is read here and in rules/ (github/webhook/payload_filter.py). A field that is
absent, null or of another type reads as nothing, so that no payload makes a rule fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.github.names import repository_name


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request."""

    number: int
    head: str
    """Its branch."""
    base: str
    """The branch it goes to."""
    fork: bool
    """Whether its branch is in another repository; then nothing in it is ours."""
    url: str = ""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event: `event` and `action` as GitHub names them, `delivery` the id it came with."""

    event: str
    action: str
    delivery: str
    data: Mapping[str, Any]

    def text(self, *path: str) -> str:
        """The text at that path of the payload; empty where there is none."""
        return dig_text(self.data, *path)

    def number(self, *path: str) -> int:
        """The number at that path; 0 where there is none."""
        return dig_number(self.data, *path)

    @property
    def repository(self) -> str:
        """`owner/name`; empty where the event is of none."""
        return repository_name(self.text("repository", "full_name")) or ""

    @property
    def repository_id(self) -> int:
        """Stays the same when the repository is renamed."""
        return self.number("repository", "id")

    @property
    def sender(self) -> str:
        """The login of who did it."""
        return self.text("sender", "login")

    @property
    def by_machine(self) -> bool:
        """Whether a bot or an App did it, ours among them."""
        wrote = "comment" if self.data.get("comment") else "review"
        logins = [self.sender, self.text(wrote, "user", "login")]
        kinds = [self.text("sender", "type"), self.text(wrote, "user", "type")]
        return "Bot" in kinds or any(login.endswith("[bot]") for login in logins)

    @property
    def pull(self) -> Pull | None:
        """The pull request that the event shows, if it shows one."""
        return pull(self.data.get("pull_request"), self.repository_id)


def pull(shown: Any, repository_id: int) -> Pull | None:
    """A pull request as GitHub shows it, of the repository with that id; None where none is shown."""
    found = dig_number(shown, "number")
    if not found:
        return None
    return Pull(
        number=found,
        head=dig_text(shown, "head", "ref"),
        base=dig_text(shown, "base", "ref"),
        fork=dig_number(shown, "head", "repo", "id") != repository_id,  # null where the fork was deleted
        url=dig_text(shown, "html_url"),
    )


def dig(shown: Any, *path: str) -> Any:
    """What is at that path of an object; None where there is nothing."""
    for key in path:
        shown = shown.get(key) if isinstance(shown, Mapping) else None
    return shown


def dig_text(shown: Any, *path: str) -> str:
    """The text at that path; empty where there is none."""
    found = dig(shown, *path)
    return found if isinstance(found, str) else ""


def is_app(shown: Any, app: str) -> bool:
    """Whether an App, as GitHub shows it, has `app` as its id or its client id; either may be configured."""
    return app in [str(found) for found in (dig(shown, "id"), dig(shown, "client_id")) if found]


def dig_number(shown: Any, *path: str) -> int:
    """The number at that path; 0 where there is none."""
    found = dig(shown, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
