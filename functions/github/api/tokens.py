"""How calls are authenticated: as the App by a JWT, or as its installation by a token for one repository.

An installation token lives for an hour and is restricted to one repository. It is cached in memory until shortly
before it expires and is sent only in the Authorization header.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from functions.github.api import responses
from functions.github.api.errors import InvalidKey, NotFound, NotInstalled, Rejected

CLOCK_SKEW = timedelta(seconds=60)
"""How far a JWT is dated back, because clocks differ (Generating a JSON Web Token for a GitHub App)."""
MAX_CLOCK_ERROR = timedelta(seconds=5)
"""A larger difference to the Date of GitHub's answer is corrected; that header has whole seconds, and travels."""
JWT_LIFETIME = timedelta(minutes=9)
"""Lifetime of a JWT; GitHub rejects one that expires in more than ten minutes."""
RENEWAL_MARGIN = timedelta(minutes=5)
"""A token that expires sooner is replaced."""

_BY_ID = re.compile(r"/repositories/([0-9]+)/")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class AppKey:
    """The App's id (or client id) and private key, in PEM form."""

    app_id: str
    private_key: str = field(repr=False)

    def jwt(self, now: datetime) -> str:
        """Return a JWT of the App; raise InvalidKey if the private key is unusable."""
        import jwt  # loads cryptography (60 ms), which only functions that call GitHub need

        claims = {"iat": now - CLOCK_SKEW, "exp": now + JWT_LIFETIME, "iss": self.app_id}
        try:
            return jwt.encode(claims, self.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise InvalidKey("github.private_key: is not an RSA private key in PEM form") from None


@dataclass(frozen=True, slots=True)
class RepositoryRef:
    """A repository: its name as last known, and its id, which survives renaming and transfer (0: not known)."""

    name: str
    id: int = 0
    permissions: tuple[tuple[str, str], ...] = ()
    """Permissions of the tokens, as pairs of permission and access; empty: all of the installation's."""

    @property
    def path(self) -> str:
        """The path of its calls. GitHub redirects a former name to the path by id."""
        return f"repositories/{self.id}" if self.id else f"repos/{self.name}"


@dataclass(frozen=True, slots=True)
class Token:
    """An installation token, or a JWT."""

    text: str = field(repr=False)
    expires_at: datetime

    def is_usable(self, now: datetime) -> bool:
        """Return whether it is valid for longer than RENEWAL_MARGIN."""
        return now < self.expires_at - RENEWAL_MARGIN


class Authentication(Protocol):
    """The identity that a call is made with."""

    @property
    def rate_limit_key(self) -> str:
        """The name of the rate limit that its calls count against."""
        ...

    def token(self) -> str:
        """Return the bearer token of the next call. Raises GithubError."""
        ...

    def discard(self, server_time: datetime | None) -> bool:
        """Forget a token that GitHub did not accept at its `server_time`; return whether a new one may be accepted."""
        ...


class TokenApi(Protocol):
    """The part of `Api` that makes tokens."""

    def get_with_url(self, path: str) -> tuple[Any, str]:
        """Return the JSON at the path, and the URL that answered after redirects."""
        ...

    def post(self, path: str, body: Any = None) -> Any:
        """Create and return an object."""
        ...


class AppAuth:
    """The App itself. The JWT is cached because signing one takes some tenths of a second.

    GitHub rejects a JWT from the future. If it does, the clock is corrected by the difference to GitHub's own.
    """

    rate_limit_key = "the App"

    def __init__(self, app_key: AppKey, clock: Clock) -> None:
        self._app_key, self._clock = app_key, clock
        self._jwt: Token | None = None
        self._correction = timedelta()

    def token(self) -> str:
        """Return a JWT of the App; raise InvalidKey if its private key is unusable."""
        now, cached = self._clock() + self._correction, self._jwt
        if cached is None or not cached.is_usable(now):
            cached = self._jwt = Token(self._app_key.jwt(now), now + JWT_LIFETIME)
        return cached.text

    def discard(self, server_time: datetime | None) -> bool:
        """Forget the JWT; return whether the clock was wrong and is now corrected.

        With the right time another JWT by the same key would not be accepted either.
        """
        self._jwt = None
        if server_time is None:
            return False
        correction = server_time - self._clock()
        was_wrong = abs(correction - self._correction) > MAX_CLOCK_ERROR
        self._correction = correction if was_wrong else self._correction
        return was_wrong


class TokenStore:
    """The installation tokens of one process, by repository."""

    def __init__(self, app: TokenApi, clock: Clock, cached: dict[RepositoryRef, Token]) -> None:
        self._app, self._clock, self._cached = app, clock, cached

    def token(self, repository: RepositoryRef) -> str:
        """Return a token for this repository alone. Raises GithubError; NotInstalled if the App is not on it."""
        cached = self._cached.get(repository)
        if cached is None or not cached.is_usable(self._clock()):
            cached = self._cached[repository] = self._create(repository)
        return cached.text

    def discard(self, name: str = "") -> bool:
        """Forget the token of the repository of that name, or all tokens; return whether there was one."""
        stale = [repository for repository in self._cached if name in ("", repository.name)]
        for repository in stale:
            self._cached.pop(repository, None)
        return bool(stale)

    def _create(self, repository: RepositoryRef) -> Token:
        installation_path = f"{repository.path}/installation"
        try:
            answer, url = self._app.get_with_url(installation_path)
            installation = responses.number(answer, f"GET {installation_path}", "id")
            path = f"app/installations/{installation}/access_tokens"
            scope = _scope(repository, url)
            if repository.permissions:
                scope["permissions"] = dict(repository.permissions)
            created = self._app.post(path, scope)
        except (NotFound, Rejected) as error:  # 422: the installation does not include the repository
            reason = f"the GitHub App is not installed on {repository.name}, or there is no such repository"
            raise NotInstalled(reason) from error
        call = f"POST {path}"
        return Token(responses.text(created, call, "token"), responses.time(created, call, "expires_at"))


def _scope(repository: RepositoryRef, url: str) -> dict[str, Any]:
    """Return the restriction of a token; `url` names the id of a repository that was called by a former name."""
    redirected = _BY_ID.search(url)
    if repository.id or redirected:
        return {"repository_ids": [repository.id or int(redirected[1])]}  # type: ignore[index]
    return {"repositories": [repository.name.split("/")[1]]}


@dataclass(frozen=True, slots=True)
class InstallationAuth:
    """The App's installation on one repository."""

    repository: RepositoryRef
    tokens: TokenStore

    @property
    def rate_limit_key(self) -> str:
        """The account's name: GitHub's limits are per installation, and an account has one."""
        return self.repository.name.split("/")[0]

    def token(self) -> str:
        """Return a token for this repository alone. Raises GithubError."""
        return self.tokens.token(self.repository)

    def discard(self, server_time: datetime | None) -> bool:  # noqa: ARG002  (its expiry is GitHub's own)
        """Forget its token; return whether it had one. GitHub revokes tokens when permissions change."""
        return self.tokens.discard(self.repository.name)
