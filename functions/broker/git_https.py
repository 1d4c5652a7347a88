"""Proxies git over HTTPS for the run's repositories and adds the App's installation token (gitprotocol-http(5)).

A request for another repository is redirected to the Git host, without a credential, so that public ones can be read.
"""

import asyncio
import base64
import re
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import ClientResponse, ClientSession, web

from functions.broker import forwarding, git_lfs, repositories
from functions.broker.configuration import Git, Repository
from functions.broker.github_app import AppRepositories
from functions.broker.problems import ProblemError

_ENDPOINT = re.compile(
    r"(?P<service>git-upload-pack|git-receive-pack)"
    r"|info/refs"
    rf"|info/lfs/(?:{git_lfs.ENDPOINTS})"
)
"""The endpoints of git and Git LFS below a repository (gitprotocol-http(5))."""

MAX_REDIRECTS = 3


class GitProxy:
    """The handler of `/git/{owner}/{name}/{endpoint}`."""

    def __init__(self, git: Git, app: AppRepositories, session: ClientSession) -> None:
        self._git, self._app, self._session = git, app, session
        self._web = f"https://{git.host}"
        self._moved: dict[str, str] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of git or Git LFS."""
        owner, name, endpoint = (request.match_info[part] for part in ("owner", "name", "endpoint"))
        repository = repositories.by_name(self._git, f"{owner}/{name}")
        if repository is None:
            raise web.HTTPFound(f"{self._web}/{request.rel_url.raw_path.removeprefix('/git/')}?{request.query_string}")
        if not self._allows(repository, endpoint, request):
            raise web.HTTPForbidden(text=f"the broker does not allow this request for {repository.name}\n")
        upstream = await self._call(request, repository, endpoint)
        refused = upstream.status == HTTPStatus.UNAUTHORIZED  # for which git would ask for a password
        return await forwarding.answer(request, upstream, HTTPStatus.FORBIDDEN if refused else 0)

    def _allows(self, repository: Repository, endpoint: str, request: web.Request) -> bool:
        match = _ENDPOINT.fullmatch(endpoint)
        if not match:
            return False
        service = match["service"] or (request.query.get("service", "") if endpoint == "info/refs" else "")
        if service or endpoint == "info/refs":
            return repositories.may_run(repository, service)
        return True  # the token's permissions limit Git LFS

    async def _call(self, request: web.Request, repository: Repository, endpoint: str) -> ClientResponse:
        """Send the request with a token; if the token is refused, resend a request without a body with a new one."""
        upstream = await self._send(request, repository, endpoint)
        if upstream.status == HTTPStatus.UNAUTHORIZED:
            self._app.invalidate_token(repository)
            if not request.body_exists:
                upstream.close()
                upstream = await self._send(request, repository, endpoint)
        return upstream

    async def _send(self, request: web.Request, repository: Repository, endpoint: str) -> ClientResponse:
        """Send the request; follow redirects on the same host, as from a renamed repository."""
        base = self._moved.get(repository.name, f"{self._web}/{repository.name}.git")
        added = {"Authorization": await self._authorization(repository)}
        query = f"?{request.query_string}" if request.query_string else ""
        for _ in range(MAX_REDIRECTS):
            upstream = await forwarding.call(self._session, request, f"{base}/{endpoint}{query}", added)
            moved = self._new_base(upstream, endpoint)
            if not moved or request.body_exists:
                break
            upstream.close()
            self._moved[repository.name] = base = moved
        return upstream

    async def _authorization(self, repository: Repository) -> str:
        try:
            token = await asyncio.to_thread(self._app.token, repository)
        except ProblemError as error:
            kind = web.HTTPBadGateway if error.problem.reason == "NetworkError" else web.HTTPForbidden
            raise kind(text=f"{error.problem.reason} {error}\n") from None
        return "Basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()

    def _new_base(self, upstream: ClientResponse, endpoint: str) -> str:
        """Return the new URL of a repository that moved on the same host; empty if it did not move."""
        target = upstream.headers.get("Location", "")
        same_host = urlsplit(target)[:2] == urlsplit(self._web)[:2]
        path = target.partition("?")[0]
        is_moved = 300 <= upstream.status < 400 and same_host and path.endswith(f"/{endpoint}")
        return path.removesuffix(f"/{endpoint}") if is_moved else ""
