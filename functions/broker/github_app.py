"""Calls GitHub as the run's App: installation tokens with least permissions, and the run's pull request."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from functions.broker.configuration import Git, PullRequest, Repository
from functions.broker.problems import Problem, ProblemError
from functions.broker.secret_files import SecretFile
from functions.github.api import client, pull_request_writes
from functions.github.api.errors import Busy, GithubError, InvalidKey, NotInstalled, Unauthorized
from functions.github.api.tokens import AppKey
from functions.github.api.transport import HttpTransport
from functions.github.reports.pull_request_draft import PullRequestDraft

WRITE = {"contents": "write", "pull_requests": "write"}
READ = {"contents": "read"}
"""Permissions of a token (GitHub: Generating an installation access token)."""


class AppRepositories:
    """Calls of one App about the run's repositories. Methods block; they raise ProblemError."""

    def __init__(self, git: Git, secrets: Path, namespace: str, clock: Callable[[], datetime]) -> None:
        assert git.app, "the caller checks it"
        self._git, self._app, self._clock = git, git.app, clock
        self._id = SecretFile(secrets / "app-id", git.app.secret, "app-id", namespace, ("private-key",))
        self._key = SecretFile(secrets / "private-key", git.app.secret, "private-key", namespace, ("app-id",))
        self._github: client.Github | None = None

    def token(self, repository: Repository) -> str:
        """Return an installation token for this repository alone."""
        return self._call(repository, lambda calls: calls.token())

    def invalidate_token(self, repository: Repository) -> None:
        """Discard the repository's token, which GitHub rejected; the next call creates another."""
        if self._github:
            self._github.forget_tokens(repository.name)

    def open_pull_request(self, wanted: PullRequest, title: str, body: str, marker: str) -> str:
        """Return the URL of the run's open pull request, after opening it or updating one whose body has `marker`."""
        repository = next(repository for repository in self._git.repositories if repository.name == wanted.repository)
        draft = PullRequestDraft(wanted.repository, wanted.head, wanted.base, title, body)
        return self._call(repository, lambda calls: pull_request_writes.upsert_pull_request(calls, draft, marker))

    def _call(self, repository: Repository, do: Callable[[client.Repository], str]) -> str:
        github = self._github or self._connect()
        permissions: Mapping[str, str] = WRITE if repository.writable else READ
        try:
            return do(github.repository(repository.name, permissions=permissions))
        except GithubError as error:
            raise ProblemError(self._explained(error, repository)) from None

    def _connect(self) -> client.Github:
        key = AppKey(self._id.read(), self._key.read())
        self._github = client.Github(self._git.api_url, key, HttpTransport(), self._clock)
        return self._github

    def _explained(self, error: GithubError, repository: Repository) -> Problem:
        match error:
            case Busy():
                return Problem("NetworkError", f"GitHub is not available: {error}")
            case NotInstalled():
                message = f"the GitHub App {self._app.name} is not installed on {repository.name}: install it"
                return Problem("RepositoryDenied", f"{message} ({error.__cause__ or error})")
            case Unauthorized():
                message = f"secret {self._app.secret}: app-id and private-key are not accepted: {error}"
                return Problem("MissingSecret", message)
            case InvalidKey():
                message = f"secret {self._app.secret}: key private-key is not a private key in PEM form"
                return Problem("MissingSecret", message)
            case _:
                return Problem("RepositoryDenied", f"{repository.name}: {error}")
