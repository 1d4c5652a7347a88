"""One call: its authorization, its route, and pages of lists."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

from tests.support.github.content import Repository

if TYPE_CHECKING:
    from tests.support.github.server import Github


@dataclass
class Call:
    """A request, and later the status of its answer (0: the connection was closed)."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    bearer: str = field(default="", repr=False)
    status: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Reply:
    """An answer: `body` is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    afterwards: Callable[[], object] | None = None
    """Called after the call took effect and before it is answered; it may make other calls."""

    def encoded(self) -> bytes:
        return b"" if self.body is None else json.dumps(self.body).encode()


class Answered(Exception):
    """Ends the call with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def refuse(status: int, message: str, errors: Sequence[Any] = ()) -> Answered:
    """Return an error answer in GitHub's form."""
    body: dict[str, Any] = {"message": message, "documentation_url": "https://docs.example/rest"}
    return Answered(Reply(status, body | ({"errors": list(errors)} if errors else {})))


Endpoint = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """`needs` is the permission that a token must have (`read` for GET); None: the call needs the App's JWT."""

    method: str
    pattern: re.Pattern[str]
    needs: str | None
    endpoint: Endpoint


ROUTES: list[Route] = []


def route(method: str, path: str, needs: str | None = None) -> Callable[[Endpoint], Endpoint]:
    """Register `endpoint(github, call, **names)`; `{name}` is one segment of the path, `{name*}` the rest.

    With `needs`, `{repository}` (two segments) is passed as a `Repository`, which the token must cover. The endpoint's
    result is sent with 200, or 201 for a POST that created something; a `Reply` is sent unchanged.
    """
    expression = re.sub(r"\\\{(\w+)\\\*\\\}", r"(?P<\1>.+)", re.escape(path))
    expression = expression.replace(r"\{repository\}", r"(?P<repository>[^/]+/[^/]+)")
    expression = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", expression)

    def add(endpoint: Endpoint) -> Endpoint:
        ROUTES.append(Route(method, re.compile(expression), needs, endpoint))
        return endpoint

    return add


def answer(github: "Github", call: Call) -> Reply:
    """Return the answer of the first route that matches. Raise Answered."""
    for each in ROUTES:
        found = each.pattern.fullmatch(call.path)
        if each.method == call.method and found:
            names: dict[str, Any] = {name: unquote(text) for name, text in found.groupdict().items()}
            if each.needs is None:
                _as_app(github, call)
            elif "repository" in names:
                names["repository"] = _as_installed(github, call, names["repository"], each.needs)
            made = each.endpoint(github, call, **names)
            return made if isinstance(made, Reply) else Reply(201 if call.method == "POST" else 200, made)
    raise refuse(404, "Not Found")


def _as_app(github: "Github", call: Call) -> None:
    problem = github.app.knows(call.bearer, github.clock())
    if problem:
        raise refuse(401, problem)


def _as_installed(github: "Github", call: Call, name: str, needs: str) -> Repository:
    token = github.app.token(call.bearer, github.clock())
    if not token:
        raise refuse(401, "Bad credentials")
    found = github.find(name)
    if not token.covers(found):
        raise refuse(404, "Not Found")
    allowed = token.permissions.get(needs)
    if allowed != "write" and (call.method != "GET" or allowed != "read"):
        raise refuse(403, "Resource not accessible by integration")
    return found


def page(github: "Github", call: Call, items: Sequence[Any], wrap: str = "") -> Reply:
    """Return a page of `items` with links to other pages; `wrap` puts it in an object with the total count."""
    size, number = min(100, int(call.query.get("per_page", "30"))), int(call.query.get("page", "1"))
    shown = list(items[size * (number - 1) : size * number])
    last = max(1, -(-len(items) // size))
    pages = {"prev": number - 1, "next": number + 1, "first": 1, "last": last}
    wanted = {rel: at for rel, at in pages.items() if 1 <= at <= last and at != number}
    links = [
        f'<{github.url}{call.path}?{urlencode({**call.query, "page": at})}>; rel="{r}"' for r, at in wanted.items()
    ]
    headers = {"Link": ", ".join(links)} if links else {}
    return Reply(200, {"total_count": len(items), wrap: shown} if wrap else shown, headers)
