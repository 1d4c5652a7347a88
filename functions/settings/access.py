"""Whom callers may have work done as.

Without this section whoever may call may name any user and any agent; with it a caller may name what is listed for
them, and a caller who is not listed nothing. Callers are known by how they call:

    auth.mode bearer            the name of the token, a key of auth.tokens
    auth.mode iam               the e-mail address in the token; where there is none, its subject
    auth.mode none              anonymous
    an event from the queue     as the service account that pushes it (queues.push_identity), or as above
    a command on GitHub         github:LOGIN, of whoever wrote it, put the label on, or assigned

One entry counts for a caller, the one that says most: the name itself, else `github:*` or `*@example.com`, else `*`.
GitHub's logins and e-mail addresses are the same in upper and lower case; names of tokens are not.
"""

import re
from typing import Annotated

from pydantic import Field, field_validator

from functions.settings.auth import AuthSettings
from functions.settings.types import Section

ANY = "*"
GITHUB = "github:"
"""Begins the name of a caller who is known by a GitHub login."""

_ENTRY = re.compile(r"\*|\*@[a-z0-9.-]+|github:(\*|[a-z0-9_-]+)|(?!github:)[^*]+")
"""Logins of managed users have an underscore (GitHub: About Enterprise Managed Users)."""

User = Annotated[str, Field(pattern=r"^(\*|[A-Za-z0-9](-?[A-Za-z0-9])*)$")]
Agent = Annotated[str, Field(pattern=r"^(\*|[a-z0-9]+)$")]
Namespace = Annotated[str, Field(pattern=r"^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$")]


class Grant(Section):
    """What a caller may use, * being all there is; what is left out is nothing, but for namespaces."""

    users: Annotated[list[User], Field(description="GitHub logins that a run may have as its githubUser.")] = []
    agents: Annotated[
        list[Agent],
        Field(description="Agents, as rex: what follows the last hyphen of a githubApp, in lower case."),
    ] = []
    namespaces: Annotated[
        list[Namespace],
        Field(description="Namespaces to make runs in; an installation has one (setting namespace)."),
    ] = [ANY]


class AccessSettings(Section):
    """What each caller may use."""

    callers: Annotated[
        dict[str, Grant] | None,
        Field(min_length=1, description="By name. null: all callers may use everything."),
    ] = None

    @field_validator("callers")
    @classmethod
    def _as_looked_up(cls, callers: dict[str, Grant] | None) -> dict[str, Grant] | None:
        if callers is None:
            return None
        bad = [name for name in callers if not _ENTRY.fullmatch(known_as(name))]
        if bad:
            raise ValueError(f"{bad[0]!r} is nobody; * stands alone, or as github:* or *@example.com")
        found = {known_as(name): grant for name, grant in callers.items()}
        if len(found) < len(callers):
            raise ValueError("a caller is there twice, in upper and lower case")
        return found

    def grant(self, caller: str) -> Grant | None:
        """What the caller may use; None where nothing is said of them, or of anybody."""
        name, callers = known_as(caller), self.callers or {}
        return next((callers[each] for each in (name, _family(name), ANY) if each in callers), None)

    def never_met(self, auth: AuthSettings) -> list[str]:
        """The entries that no caller can have as a name, by how callers are known: most are misspelt."""
        return [each for each in self.callers or () if ANY not in each and not _can_call(each, auth)]


def known_as(caller: str) -> str:
    """The name that a caller is looked up by."""
    # ASCII alone has cases: other letters may become equal to it, as U+212A does to k.
    has_cases = caller.isascii() and ("@" in caller or caller[: len(GITHUB)].lower() == GITHUB)
    return caller.lower() if has_cases else caller


def _family(name: str) -> str:
    if name.startswith(GITHUB):
        return f"{GITHUB}{ANY}"
    return f"{ANY}@{name.rpartition('@')[2]}" if "@" in name else ANY


def _can_call(name: str, auth: AuthSettings) -> bool:
    match auth.mode:
        case _ if name.startswith(GITHUB):
            return True
        case "bearer":
            return name in map(known_as, auth.tokens)
        case "iam":
            return "@" in name or name.isdecimal()
        case "none":
            return name == "anonymous"
