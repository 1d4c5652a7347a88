"""Settings of access: which callers may start runs as which user and agent.

Without this section every caller may name any user and any agent. With it a caller may name what its entry lists, and
a caller without an entry may start nothing. The name of a caller depends on how it authenticates:

    auth.mode bearer            the name of the token, a key of auth.tokens
    auth.mode iam               the e-mail address in the token, or its subject if it has none
    auth.mode none              anonymous
    an event from the queue     the service account that pushes it (queues.push_identity), or as above
    a command on GitHub         github:LOGIN of the person who commented, labelled or assigned

Exactly one entry applies, the most specific: the name itself, else `github:*` or `*@example.com`, else `*`.
GitHub logins and e-mail addresses are case-insensitive; names of tokens are not.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from functions.runs.model.field_rules import is_valid
from functions.runs.model.fields import GITHUB_LOGIN, GithubUser
from functions.settings.auth import AuthSettings
from functions.settings.types import Section

ANY = "*"
GITHUB = "github:"
"""Prefix of callers that are identified by a GitHub login."""

_DOMAIN = re.compile(r"\*@[a-z0-9.-]+")
_OTHER = re.compile(r"(?!github:)[^*]+")
"""The name of a token, an e-mail address or a subject."""


def _user(name: str) -> str:
    return name if name == ANY else GITHUB_LOGIN.check(name)


User = Annotated[str, AfterValidator(_user)]
Agent = Annotated[str, Field(pattern=r"^(\*|[a-z0-9]+)$")]
Namespace = Annotated[str, Field(pattern=r"^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$")]


class Grant(Section):
    """The permissions of a caller. * means any; an absent list means none, except for namespaces."""

    users: Annotated[list[User], Field(description="GitHub logins that a run may have as its githubUser.")] = []
    agents: Annotated[
        list[Agent],
        Field(description="Agents, such as rex: the part of a githubApp after its last hyphen, in lower case."),
    ] = []
    namespaces: Annotated[
        list[Namespace],
        Field(description="Namespaces to create runs in; an installation has one (setting namespace)."),
    ] = [ANY]


class AccessSettings(Section):
    """The permissions of each caller."""

    callers: Annotated[
        dict[str, Grant] | None,
        Field(min_length=1, description="By name. null: all callers may use everything."),
    ] = None

    @field_validator("callers")
    @classmethod
    def _normalized(cls, callers: dict[str, Grant] | None) -> dict[str, Grant] | None:
        if callers is None:
            return None
        invalid = [name for name in callers if not _is_entry(canonical(name))]
        if invalid:
            raise ValueError(
                f"{invalid[0]!r} is not a valid caller; use a name, {GITHUB}LOGIN, {GITHUB}*, *@example.com or *"
            )
        entries = {canonical(name): grant for name, grant in callers.items()}
        if len(entries) < len(callers):
            raise ValueError("a caller is there twice, in upper and lower case; keep one of them")
        return entries

    def grant(self, caller: str) -> Grant | None:
        """Return what the caller may use, or None if no entry applies to it."""
        name, callers = canonical(caller), self.callers or {}
        return next((callers[entry] for entry in (name, _wildcard(name), ANY) if entry in callers), None)

    def unreachable_entries(self, auth: AuthSettings) -> list[str]:
        """Return the entries that match no caller under this authentication; most of them are misspelled."""
        return [entry for entry in self.callers or () if ANY not in entry and not _can_call(entry, auth)]


def canonical(caller: str) -> str:
    """Return the name under which a caller is looked up."""
    # Only ASCII is lowered: other letters may become equal to ASCII ones, as U+212A becomes k.
    ignores_case = caller.isascii() and ("@" in caller or caller[: len(GITHUB)].lower() == GITHUB)
    return caller.lower() if ignores_case else caller


def _is_entry(name: str) -> bool:
    if name.startswith(GITHUB):
        login = name.removeprefix(GITHUB)
        return login == ANY or is_valid(GithubUser, login)
    return name == ANY or bool(_DOMAIN.fullmatch(name) or _OTHER.fullmatch(name))


def _wildcard(name: str) -> str:
    """Return the entry for all callers of the same kind."""
    if name.startswith(GITHUB):
        return f"{GITHUB}{ANY}"
    return f"{ANY}@{name.rpartition('@')[2]}" if "@" in name else ANY


def _can_call(name: str, auth: AuthSettings) -> bool:
    match auth.mode:
        case _ if name.startswith(GITHUB):
            return True
        case "bearer":
            return name in map(canonical, auth.tokens)
        case "iam":
            return "@" in name or name.isdecimal()
        case "none":
            return name == "anonymous"
