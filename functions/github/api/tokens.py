"""What a call to GitHub is signed with: the App's own JWT, or a token of the App's installation on one repository.

An installation token lives an hour and is made for one repository alone, so that it reaches no other. It is kept in
the process until shortly before it ends; on the way to GitHub it is in a header, and nowhere else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from functions.github.api import responses
from functions.github.api.errors import Denied, NotFound, NotInstalled

SKEW = timedelta(seconds=60)
"""How far back a JWT is dated, as clocks differ (Generating a JSON Web Token for a GitHub App)."""
LIFETIME = timedelta(minutes=9)
"""From now; GitHub takes no JWT that ends in more than ten minutes."""
MARGIN = timedelta(minutes=5)
"""A token with less to live is replaced."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class AppKey:
    """The App's id (or client id) and private key, in PEM form."""

    app_id: str
    private_key: str = field(repr=False)

    def jwt(self, now: datetime) -> str:
        """What the App itself shows. Raises Denied where the key is none."""
        import jwt  # takes 60 ms, and only those who call GitHub need it

        claims = {"iat": now - SKEW, "exp": now + LIFETIME, "iss": self.app_id}
        try:
            return jwt.encode(claims, self.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise Denied("the App's private key (setting github.private_key) is no RSA key in PEM form") from None


@dataclass(frozen=True, slots=True)
class Token:
    """An installation token."""

    text: str = field(repr=False)
    expires_at: datetime

    def good(self, now: datetime) -> bool:
        """Whether it lives long enough to be used."""
        return now < self.expires_at - MARGIN


class Signer(Protocol):
    """In whose name calls are made, and against whose rate limit (`key`) they count."""

    @property
    def key(self) -> str:
        """A name for the limit."""
        ...

    def token(self) -> str:
        """What the next call shows. Raises GithubError."""
        ...

    def forget(self) -> bool:
        """Forgets a token that was not accepted; whether it is worth trying with another one."""
        ...


class TokenApi(Protocol):
    """The part of an `Api` that makes tokens."""

    def get(self, path: str) -> Any:
        """The JSON that is there."""
        ...

    def post(self, path: str, body: Any = None) -> Any:
        """What was made."""
        ...


class AppAuth:
    """The App itself. A JWT is kept while it is good: making one takes some tenths of a second."""

    key = "the App"

    def __init__(self, app_key: AppKey, clock: Clock) -> None:
        self._app_key, self._clock = app_key, clock
        self._kept: Token | None = None

    def token(self) -> str:
        """A JWT of the App. Raises Denied where its key is none."""
        now, kept = self._clock(), self._kept
        if kept is None or not kept.good(now):
            kept = self._kept = Token(self._app_key.jwt(now), now + LIFETIME)
        return kept.text

    def forget(self) -> bool:
        """False: another JWT by the same key would not be accepted either."""
        self._kept = None
        return False


class Tokens:
    """The tokens this process has, by repository."""

    def __init__(self, app: TokenApi, clock: Clock, kept: dict[str, Token]) -> None:
        self._app, self._clock, self._kept = app, clock, kept

    def token(self, repository: str) -> str:
        """A token for this repository alone. Raises GithubError, and NotInstalled without the App on it."""
        kept = self._kept.get(repository)
        if kept is None or not kept.good(self._clock()):
            kept = self._kept[repository] = self._made(repository)
        return kept.text

    def forget(self, repository: str = "") -> bool:
        """Whether there was one; without a name, any."""
        if repository:
            return self._kept.pop(repository, None) is not None
        self._kept.clear()
        return True

    def _made(self, repository: str) -> Token:
        where = f"repos/{repository}/installation"
        try:
            number = responses.number(self._app.get(where), f"GET {where}", "id")
            path = f"app/installations/{number}/access_tokens"
            made = self._app.post(path, {"repositories": [repository.split("/")[1]]})
        except NotFound as error:
            what = f"the GitHub App is not installed on {repository}, or there is no such repository"
            raise NotInstalled(what) from error
        call = f"POST {path}"
        return Token(responses.text(made, call, "token"), responses.time(made, call, "expires_at"))


@dataclass(frozen=True, slots=True)
class InstallationAuth:
    """The App's installation on one repository. Limits are those of an account's installation."""

    repository: str
    tokens: Tokens

    @property
    def key(self) -> str:
        """The account's name."""
        return self.repository.split("/")[0]

    def token(self) -> str:
        """A token for this repository alone. Raises GithubError."""
        return self.tokens.token(self.repository)

    def forget(self) -> bool:
        """Whether it had one: then another may be accepted, as GitHub ends tokens when permissions change."""
        return self.tokens.forget(self.repository)
