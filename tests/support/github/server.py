"""The HTTP server of the simulated GitHub."""

import importlib
import json
import pkgutil
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from functions.settings.github import GithubSettings
from tests.support.github import git, routes
from tests.support.github.app import App
from tests.support.github.calls import Answered, Call, Reply, answer, refuse
from tests.support.github.certificate import Certificate
from tests.support.github.content import Repository, Site
from tests.support.github.deliveries import Hook
from tests.support.github.troubles import Failure, Troubles
from tests.support.http_servers import Handler, listening
from tests.support.lfs import LfsObjects

for _module in pkgutil.iter_modules(routes.__path__):
    importlib.import_module(f"{routes.__name__}.{_module.name}")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Github:
    """Content, recorded calls and scripted failures. A test sets the clock, so that limits of an hour need no wait."""

    clock: Callable[[], datetime] = _utc_now
    app: App = field(default_factory=App)
    repositories: list[Repository] = field(default_factory=list)
    troubles: Troubles = field(default_factory=Troubles)
    calls: list[Call] = field(default_factory=list)
    url: str = ""
    lfs: LfsObjects = field(default_factory=LfsObjects)

    def __post_init__(self) -> None:
        self.place = Site(self.clock)
        self.hook = Hook(self)
        self._lock = threading.RLock()

    def repository(self, name: str = "acme/shop", **given: Any) -> Repository:
        """Return a repository; create it if it does not exist."""
        found = next((each for each in self.repositories if each.full_name == name), None)
        if found is None:
            found = Repository(self.place, name, 9001 + len(self.repositories), **given)
            self.repositories.append(found)
        return found

    def find(self, name: str) -> Repository:
        """Return the repository of that name, ignoring case. Raise Answered (404)."""
        for each in self.repositories:
            if each.full_name.lower() == name.lower():
                return each
        raise refuse(404, "Not Found")

    def settings(self, **more: Any) -> GithubSettings:
        """Return settings with which functions use this App."""
        given = {"api_url": self.url, "app_id": str(self.app.id), "private_key": self.app.private_key}
        return GithubSettings.model_validate({**given, "webhook_secrets": [self.hook.secret], **more})

    def fails(
        self, calls: str, status: int, *, times: int = 1, applied: bool = False, body: Any = None, **headers: str
    ) -> None:
        """Answer the next calls that match `METHOD path`, a regular expression, so; 0 closes the connection.

        `applied`: the call takes effect before it. Headers are given as Retry_After="1".
        """
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        reply = Reply(status, body or {"message": "answered by the test"}, named)
        self.troubles.failures.append(Failure(re.compile(calls), reply, times, applied))

    def asked(self, calls: str = "") -> list[str]:
        """Return the calls so far that match, as `METHOD path`."""
        return [str(call) for call in self.calls if re.search(calls, str(call))]

    def answer(self, call: Call) -> Reply:
        """Answer a call of the REST API."""
        with self._lock:
            self._named(call)
            self.calls.append(call)
            reply = self._moved(call) or self._answer(call)
            reply.headers = {"Date": format_datetime(self.clock().astimezone(UTC), usegmt=True), **reply.headers}
            call.status = reply.status
        if reply.afterwards:
            reply.afterwards()
        return reply

    def _named(self, call: Call) -> None:
        """Replace a repository's id in the path by its name."""
        by_id = re.match(r"/repositories/(\d+)(?=/|$)", call.path)
        found = [each.full_name for each in self.repositories if by_id and str(each.id) == by_id[1]]
        if by_id and found:
            call.path = f"/repos/{found[0]}{call.path[by_id.end() :]}"

    def _moved(self, call: Call) -> Reply | None:
        """Redirect a call by a former name to the id, as GitHub does: 301 for reads, 307 for others."""
        for each in self.repositories:
            for name in each.former_names:
                if f"{call.path}/".startswith(f"/repos/{name}/"):
                    rest = call.path.removeprefix(f"/repos/{name}")
                    query = f"?{urlencode(call.query)}" if call.query else ""
                    url = f"{self.url}/repositories/{each.id}{rest}{query}"
                    body = {"message": "Moved Permanently", "url": url}
                    return Reply(301 if call.method == "GET" else 307, body, {"Location": url})
        return None

    def _answer(self, call: Call) -> Reply:
        limits, now = self.troubles.limits, self.clock()
        failure = self.troubles.next(call)
        if failure and not failure.applied:
            return failure.reply
        token = self.app.token(call.bearer, now)
        caller = f"installation {token.installation}" if token else "the App"
        rate_headers = limits.count(caller, now)
        if limits.exceeded(caller):
            return Reply(403, {"message": "API rate limit exceeded for installation"}, rate_headers)
        if not limits.allows_content(call, now):
            return Reply(403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "60"})
        try:
            reply = answer(self, call)
        except Answered as answered:
            reply = answered.reply
        reply.headers = {**rate_headers, **reply.headers}
        return replace(failure.reply, afterwards=reply.afterwards) if failure else reply


@contextmanager
def serving(github: Github, certificate: Certificate | None = None) -> Iterator[Github]:
    """Serve `github` at its `url` until the block ends.

    With a certificate it is a GitHub Enterprise Server: its API is below /api/v3, all other paths are git's.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(github))
    if certificate:
        server.socket = certificate.context().wrap_socket(server.socket, server_side=True)
    github.place.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    github.url = github.place.url + ("/api/v3" if certificate else "")
    with listening(server):
        yield github


def _handler(github: Github) -> type[Handler]:
    class Answering(Handler):
        def asked(self) -> None:
            body = self.received()
            stored = re.fullmatch(r"/stored-logs/(\d+)/(\d+)\?sig=secret", self.path)
            if stored:
                self._log(*map(int, stored.groups()))
                return
            below = urlsplit(github.url).path
            if self.path.startswith(f"{below}/"):
                self._api(self.path.removeprefix(below), body)
            else:
                self.answer(*git.answer(github, git.GitRequest(self.command, self.path, self.headers, body)))

        def _log(self, repository: int, job: int) -> None:
            """Answer as the store of logs, which rejects a request with two kinds of authorization."""
            found = next(each for each in github.repositories if each.id == repository)
            refused = "Authorization" in self.headers
            self.answer(400 if refused else 200, {"Content-Type": "text/plain"}, found.job_logs[job].encode())

        def _api(self, path: str, body: bytes) -> None:
            url = urlsplit(path)
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            given = json.loads(body) if body else None
            reply = github.answer(Call(self.command, url.path, dict(parse_qsl(url.query)), given, bearer))
            if reply.status == 0:
                self.close_connection = True
                return
            kind = {"Content-Type": "application/json; charset=utf-8"}
            self.answer(reply.status, {**kind, **reply.headers}, reply.encoded())

    return Answering
