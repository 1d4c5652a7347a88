"""Reads an issue from GitHub as the task of a code run, with the token of the person who asks.

The token is that of the GitHub command line: GH_TOKEN or GITHUB_TOKEN, else what `gh auth token` prints.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.clients.errors import CommandError, WrongUsage, as_command_error
from functions.github.api import client
from functions.github.api.client import Github, Repository
from functions.github.api.errors import GithubError
from functions.github.api.permissions import Permissions
from functions.github.api.tokens import AppKey, RepositoryRef
from functions.github.api.transport import HttpTransport
from functions.github.commands import issue_task
from functions.runs.model.api_model import wire
from functions.runs.model.repository_names import on_github
from functions.settings.errors import SettingsError
from functions.settings.github import GithubSettings
from functions.settings.sections import load_section

GH_SECONDS = 10
"""How long `gh auth token` may take; it prompts for nothing."""


@dataclass(frozen=True, slots=True)
class PersonAuth:
    """The token of a person, which is used as it is."""

    text: str
    rate_limit_key: str = "the person"

    def token(self) -> str:
        """Return the token."""
        return self.text

    def discard(self, server_time: datetime | None) -> bool:  # noqa: ARG002
        """Return False: there is no other token."""
        return False


def read(number: int, repository_url: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the field `task` of a code run from an issue of the repository.

    Raises:
        WrongUsage: the repository is not on the configured GitHub, or it is a pull request.
        CommandError: there is no token, or GitHub does not show the issue.
    """
    with as_command_error(SettingsError):
        settings = load_section(environ, "github", GithubSettings)
    name = on_github(repository_url, settings.host)
    if not name:
        raise WrongUsage(f"--issue: {repository_url} is not on {settings.host} (setting github.api_url)")
    repository = _connect(settings.api_url, name, _token(environ))
    try:
        issue = repository.get(f"issues/{number}")
        if issue.get("pull_request"):
            raise WrongUsage(f"--issue: {number} is a pull request of {name}")
        comments = list(repository.pages(f"issues/{number}/comments"))
    except GithubError as error:
        raise CommandError(f"--issue: issue {number} of {name} cannot be read: {error}") from error
    return wire(issue_task.build(issue, comments, lambda login: _may_write(repository, login)))


def _connect(api_url: str, name: str, token: str) -> Repository:
    github = Github(api_url, AppKey("", ""), HttpTransport(), lambda: datetime.now(UTC))
    return client.Repository(github, RepositoryRef(name), PersonAuth(token))


def _may_write(repository: Repository, login: str) -> bool:
    """Return whether a login has write access; False if this person may not see that."""
    try:
        return Permissions().may_write(repository, login, datetime.now(UTC))
    except GithubError:
        return False


def _token(environ: Mapping[str, str]) -> str:
    token = environ.get("GH_TOKEN") or environ.get("GITHUB_TOKEN") or _gh_token()
    if not token:
        raise CommandError("--issue: no GitHub token: set GH_TOKEN, or sign in with `gh auth login`")
    return token


def _gh_token() -> str:
    try:
        done = subprocess.run(
            ["gh", "auth", "token"],
            capture_output=True,
            text=True,
            timeout=GH_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
