"""GitHub's REST API as our App sees it, on plain JSON. One method is one call, but for `pages`."""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from functions.github.api import responses
from functions.github.api.errors import Busy, InvalidResponse, Refused, Unauthorized, from_answer
from functions.github.api.tokens import AppAuth, AppKey, Clock, InstallationAuth, Signer, Token, Tokens
from functions.github.api.transport import Answer, DeadlineTransport, HttpTransport, Request, Transport
from functions.github.names import repository_name
from functions.settings.github import GithubSettings

log = logging.getLogger("orchestrator")

PER_PAGE = 100
"""Items of a page; GitHub's most (REST API: Using pagination)."""
MOST_PAGES = 10
"""Pages that one `pages` reads; what a thousand items do not show is left out, and said in the log."""

NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list: `following` is the query of the next part, empty after the last one."""

    items: Sequence[Mapping[str, Any]]
    following: Mapping[str, str]


class Api:
    """Calls below one path. Every method raises the errors of `github.errors`.

    A path is written as in GitHub's documentation, without a slash in front; a segment of it that came from outside
    goes through `segment`, so that it stays one.
    """

    def __init__(self, github: "Github", prefix: str, signer: Signer) -> None:
        self._github, self._prefix, self._signer = github, prefix, signer

    def get(self, path: str, **query: str) -> Any:
        """The JSON that is there."""
        return self._json("GET", path, self._url(path, query))

    def page(self, path: str, **query: str) -> Page:
        """One page of a list, of PER_PAGE items if not said otherwise (`per_page`)."""
        answer = self._send("GET", self._url(path, {"per_page": str(PER_PAGE), **query}))
        call = f"GET {path}"
        return Page(responses.items(_parsed(answer, call), call), _following(answer))

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """The items of a list, page by page, of at most MOST_PAGES pages."""
        for _ in range(MOST_PAGES):
            found = self.page(path, **query)
            yield from found.items
            if not found.following:
                return
            query = dict(found.following)
        log.warning("only the first %d pages of %s are read", MOST_PAGES, path)

    def post(self, path: str, body: Any = None) -> Any:
        """What was made, as GitHub shows it."""
        return self._json("POST", path, self._url(path), body)

    def patch(self, path: str, body: Any) -> Any:
        """What was changed, as GitHub shows it."""
        return self._json("PATCH", path, self._url(path), body)

    def put(self, path: str, body: Any = None) -> Any:
        """What was put there, as GitHub shows it."""
        return self._json("PUT", path, self._url(path), body)

    def delete(self, path: str) -> None:
        """Removes it."""
        self._send("DELETE", self._url(path))

    def _url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        if path and any(unquote(each) in ("", ".", "..") for each in path.split("/")):
            raise Refused(f"the path {path!r} leads elsewhere")
        url = f"{self._github.url}/{self._prefix}{quote(path, safe='/%:@')}".rstrip("/")
        return f"{url}?{urlencode(query)}" if query else url

    def _json(self, method: str, path: str, url: str, body: Any = None) -> Any:
        return _parsed(self._send(method, url, body), f"{method} {path}")

    def _send(self, method: str, url: str, body: Any = None) -> Answer:
        try:
            return self._github.send(self._signer, method, url, body)
        except Unauthorized:
            if not self._signer.forget():
                raise
        return self._github.send(self._signer, method, url, body)


class Repository(Api):
    """Calls about one repository, with a token for it alone: `get("issues/3/comments")`, and `get("")` for itself."""

    def __init__(self, github: "Github", name: str, signer: Signer) -> None:
        super().__init__(github, f"repos/{name}/", signer)
        self.name = name


@dataclass(frozen=True, slots=True)
class ClientCache:
    """What a process knows of GitHub: tokens by repository, and by rate limit until when it asked to wait."""

    tokens: dict[str, Token] = field(default_factory=dict)
    silence: dict[str, datetime] = field(default_factory=dict)


class Github:
    """GitHub's REST API as our App sees it.

    Tokens are made per repository and kept until shortly before they expire. Where GitHub said how long to wait, no
    call is made before: it would only lengthen the wait (REST API: Best practices, Handle rate limit errors).
    """

    def __init__(
        self, url: str, key: AppKey, transport: Transport, clock: Clock, memory: "ClientCache | None" = None
    ) -> None:
        self.url = url.rstrip("/")
        self.app_id = key.app_id
        self._key, self._clock, self._transport, self._memory = key, clock, transport, memory or ClientCache()
        self._app = Api(self, "", AppAuth(key, clock))
        self._tokens = Tokens(self._app, clock, self._memory.tokens)

    def until(self, end: datetime) -> "Github":
        """The same, but that every call is over by `end`, with Busy where it has no answer by then. Calls nobody."""
        hurried = DeadlineTransport(self._transport, end, self._clock)
        return Github(self.url, self._key, hurried, self._clock, self._memory)

    def app(self) -> Api:
        """As the App itself: `get("app")`, hook deliveries, installations. Calls nobody."""
        return self._app

    def repository(self, name: str) -> Repository:
        """The repository `owner/name`. Calls nobody. Raises Refused for what is no name."""
        if not repository_name(name):
            raise Refused(f"{name!r} is not the name of a repository, as in owner/name")
        return Repository(self, name, InstallationAuth(name, self._tokens))

    def forget(self, name: str = "") -> None:
        """Forgets the token for a repository, or without a name all tokens: what the App may do has changed."""
        self._tokens.forget(name)

    def send(self, signer: Signer, method: str, url: str, body: Any = None) -> Answer:
        """A good answer to a call in the name of `signer`. Raises GithubError."""
        now = self._clock()
        until = self._memory.silence.get(signer.key, now)
        if now < until:
            raise Busy("GitHub asked to wait", (until - now).total_seconds())
        answer = self._transport.send(Request(method, url, signer.token(), body))
        if answer.status < 300:
            return answer
        error = from_answer(answer.status, answer.headers, answer.body, now)
        if isinstance(error, Busy) and error.retry_after:
            self._memory.silence[signer.key] = now + timedelta(seconds=error.retry_after)
        raise error


def segment(text: str) -> str:
    """One segment of a path, whatever is in it."""
    return quote(text, safe="")


def _following(answer: Answer) -> dict[str, str]:
    """Of the link to the next page nothing but the query is used (REST API: Using pagination in the REST API)."""
    found = NEXT.search(answer.headers.get("link", ""))
    return dict(parse_qsl(found[1].partition("?")[2].partition("#")[0])) if found else {}


def _parsed(answer: Answer, call: str) -> Any:
    if not answer.body:
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise InvalidResponse(f"GitHub's answer to {call} is no JSON: {error}") from error


def connect(settings: GithubSettings, clock: Clock) -> Github:
    """GitHub as the configured App sees it. Calls nobody."""
    return Github(settings.api_url, AppKey(settings.app_id, settings.key), HttpTransport(), clock)
