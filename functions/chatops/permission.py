"""Checks who may give commands and whose reviews count: people with write access, and bots listed in the settings."""

from functions.github.api.repository_calls import RepositoryCalls
from functions.github.webhook.event import is_listed
from functions.serving.dependencies import Dependencies


def may_write(deps: Dependencies, calls: RepositoryCalls, login: str) -> bool:
    """Return whether a login has write access to the repository, or is a listed bot. Raises GithubError."""
    if is_listed(login, deps.settings.github.bots):
        return True
    return deps.permissions.may_write(calls, login, deps.clock())
