"""GitHub's REST API on plain JSON, called as a GitHub App. Every method is one call, except `pages`.

Our own client and not PyGithub: its `get_access_token` cannot restrict a token to one repository, it sleeps through
rate limits inside a handler, and its time limit is per socket operation and not per sync (see `with_deadline`).
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from functions.github.api import responses
from functions.github.api.errors import Busy, Denied, InvalidResponse, NotFound, Rejected, Unauthorized, from_response
from functions.github.api.tokens import (
    AppAuth,
    AppKey,
    Authentication,
    Clock,
    InstallationAuth,
    RepositoryRef,
    Token,
    TokenStore,
)
from functions.github.api.transport import DeadlineTransport, HttpTransport, Request, Response, Transport
from functions.github.repository_name import repository_name
from functions.settings.github import GithubSettings

log = logging.getLogger("orchestrator")

PER_PAGE = 100
"""Items of a page; GitHub's maximum (REST API: Using pagination)."""
MAX_PAGES = 50
"""Pages that one `pages` reads; it logs a warning if there are more."""

NEXT_LINK = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; `next_query` is the query of the next page, empty on the last one."""

    items: Sequence[Mapping[str, Any]]
    next_query: Mapping[str, str]


class Api:
    """Calls below one path. Every method raises the errors of github/api/errors.py.

    A path is relative and written as in GitHub's documentation; a segment made of foreign text is quoted by the caller.
    """

    def __init__(self, github: "Github", prefix: str, auth: Authentication) -> None:
        self._github, self._prefix, self._auth = github, prefix, auth

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON at the path."""
        return self._json("GET", path, self._url(path, query))

    def get_with_url(self, path: str) -> tuple[Any, str]:
        """Return the JSON at the path, and the URL that answered after redirects."""
        response = self._send("GET", self._url(path))
        return _parse(response, f"GET {path}"), response.url

    def text_end(self, path: str, size: int) -> str:
        """Return the last bytes of a stored file that GitHub redirects to, such as a log, as text."""
        return self._send("GET", self._url(path), last_bytes=size).body.decode("utf-8", "replace")

    def page(self, path: str, **query: str) -> Page:
        """Return one page of a list; `per_page` defaults to PER_PAGE."""
        response = self._send("GET", self._url(path, {"per_page": str(PER_PAGE), **query}))
        call = f"GET {path}"
        return Page(responses.items(_parse(response, call), call), _next_query(response))

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """Yield the items of a list from at most MAX_PAGES pages."""
        for _ in range(MAX_PAGES):
            page = self.page(path, **query)
            yield from page.items
            if not page.next_query:
                return
            query = dict(page.next_query)
        log.warning("only the first %d pages of %s are read", MAX_PAGES, path)

    def post(self, path: str, body: Any = None) -> Any:
        """Create an object; return it as GitHub shows it."""
        return self._json("POST", path, self._url(path), body)

    def patch(self, path: str, body: Any) -> Any:
        """Change an object; return it as GitHub shows it."""
        return self._json("PATCH", path, self._url(path), body)

    def put(self, path: str, body: Any = None) -> Any:
        """Create or replace an object; return it as GitHub shows it."""
        return self._json("PUT", path, self._url(path), body)

    def delete(self, path: str) -> None:
        """Delete the object at the path."""
        self._send("DELETE", self._url(path))

    def _url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        if path and any(unquote(segment) in ("", ".", "..") for segment in path.split("/")):
            raise Rejected(f"the path {path!r} has an empty or a dot segment")
        url = f"{self._github.url}/{self._prefix}{quote(path, safe='/%:@')}".rstrip("/")
        return f"{url}?{urlencode(query)}" if query else url

    def _json(self, method: str, path: str, url: str, body: Any = None) -> Any:
        return _parse(self._send(method, url, body), f"{method} {path}")

    def _send(self, method: str, url: str, body: Any = None, last_bytes: int | None = None) -> Response:
        try:
            return self._github.send(self._auth, method, url, body, last_bytes)
        except Unauthorized as error:
            if not self._auth.discard(error.server_time):
                raise
        return self._github.send(self._auth, method, url, body, last_bytes)


class Repository(Api):
    """Calls about one repository, with a token for it alone: `get("issues/3/comments")`, `get("")` for itself."""

    def __init__(self, github: "Github", repository: RepositoryRef, auth: Authentication) -> None:
        super().__init__(github, f"{repository.path}/", auth)
        self.name = repository.name

    def token(self) -> str:
        """Return the token of its calls, which git takes too. Raises GithubError."""
        return self._auth.token()


@dataclass(frozen=True, slots=True)
class ClientCache:
    """GitHub's state that one process remembers."""

    tokens: dict[RepositoryRef, Token] = field(default_factory=dict)
    """The installation tokens, by repository."""
    blocked_until: dict[str, datetime] = field(default_factory=dict)
    """The times at which GitHub may be called again, by rate limit."""
    app_names: list[str] = field(default_factory=list)
    """The App's name (slug), once it is known."""


class Github:
    """GitHub's REST API as one GitHub App.

    Tokens are made per repository and cached until shortly before they expire. While GitHub asks to wait, no call is
    made: it would only lengthen the wait (REST API: Best practices, Handle rate limit errors).
    """

    def __init__(
        self,
        url: str,
        key: AppKey,
        transport: Transport,
        clock: Clock,
        cache: "ClientCache | None" = None,
        auth: AppAuth | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.app_id = key.app_id
        self._key, self._clock, self._transport, self._cache = key, clock, transport, cache or ClientCache()
        self._auth = auth or AppAuth(key, clock)
        self._app = Api(self, "", self._auth)
        self._tokens = TokenStore(self._app, clock, self._cache.tokens)

    def with_deadline(self, deadline: datetime) -> "Github":
        """Return a client whose calls all end by the deadline, with Busy if unanswered. Makes no call."""
        transport = DeadlineTransport(self._transport, deadline, self._clock)
        return Github(self.url, self._key, transport, self._clock, self._cache, self._auth)

    def app(self) -> Api:
        """Return calls as the App itself: `get("app")`, hook deliveries, installations. Makes no call."""
        return self._app

    def app_name(self) -> str:
        """Return the App's name as in mentions of it (slug), with one call per process.

        Raises GithubError; Denied if GitHub does not know the App, which people must fix.
        """
        if not self._cache.app_names:
            try:
                answer = self._app.get("app")
            except (NotFound, Rejected) as error:
                raise Denied(f"github.app_id: GitHub does not know this App ({error})") from error
            self._cache.app_names.append(responses.text(answer, "GET app", "slug"))
        return self._cache.app_names[0]

    def repository(self, name: str, repository_id: int = 0, permissions: Mapping[str, str] | None = None) -> Repository:
        """Return calls about the repository `owner/name`, by its id if that is known. Makes no call.

        With `permissions` its tokens may do no more than these; by default all that the installation may.
        Raises Rejected if it is not such a name.
        """
        if not repository_name(name):
            raise Rejected(f"{name!r} is not the name of a repository, as in owner/name")
        repository = RepositoryRef(name, repository_id, tuple(sorted((permissions or {}).items())))
        return Repository(self, repository, InstallationAuth(repository, self._tokens))

    def forget_tokens(self, name: str = "") -> None:
        """Forget the token of a repository, or all tokens if no name is given: the App's permissions have changed."""
        self._tokens.discard(name)

    def send(
        self, auth: Authentication, method: str, url: str, body: Any = None, last_bytes: int | None = None
    ) -> Response:
        """Send one authenticated request and return its successful response. Raises GithubError."""
        now = self._clock()
        blocked_until = self._cache.blocked_until.get(auth.rate_limit_key, now)
        if now < blocked_until:
            raise Busy("GitHub asked to wait", (blocked_until - now).total_seconds())
        response = self._transport.send(Request(method, url, auth.token(), body, last_bytes=last_bytes))
        if response.status < 300:
            return response
        error = from_response(response.status, response.headers, response.body, now)
        if isinstance(error, Busy) and error.retry_after:
            self._cache.blocked_until[auth.rate_limit_key] = now + timedelta(seconds=error.retry_after)
        raise error


def _next_query(response: Response) -> dict[str, str]:
    """Return the query of the next page's link; the rest of that link is not used (REST API: Using pagination)."""
    link = NEXT_LINK.search(response.headers.get("link", ""))
    return dict(parse_qsl(link[1].partition("?")[2].partition("#")[0])) if link else {}


def _parse(response: Response, call: str) -> Any:
    if not response.body:
        return None
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError) as error:
        raise InvalidResponse(f"GitHub's answer to {call} is not JSON: {error}") from error


def connect(settings: GithubSettings, clock: Clock) -> Github:
    """Return a client of the configured App. Makes no call."""
    return Github(settings.api_url, AppKey(settings.app_id, settings.key), HttpTransport(), clock)
