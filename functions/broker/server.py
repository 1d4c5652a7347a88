"""The broker: creates its parts from the configuration, routes requests, checks credentials before the agent starts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from aiohttp import ClientSession, web

from functions.broker import admission, forwarding, readiness
from functions.broker.configuration import Configuration
from functions.broker.git_https import GitProxy
from functions.broker.git_lfs import LfsGrants
from functions.broker.github_app import AppRepositories
from functions.broker.model_api import ModelProxy
from functions.broker.model_credentials import ModelCredential, credential_of
from functions.broker.problems import Problem, ProblemError
from functions.broker.pull_requests import PullRequestHandler
from functions.broker.readiness import Ready
from functions.broker.secret_files import SecretFile
from functions.broker.ssh_relay import SshFiles, SshRelay
from functions.broker.usage import Usage

STOP_SECONDS = 1.0
"""How long open requests may take when the pod ends; the agent has ended by then."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Mounts:
    """Paths of the container's volumes; `root` is `/` in a container."""

    root: Path

    @property
    def configuration(self) -> Path:
        """The broker's configuration file."""
        return self.root / "config/broker.json"

    @property
    def known_hosts(self) -> Path:
        """The file of pinned host keys."""
        return self.root / "config/known_hosts"

    @property
    def secrets(self) -> Path:
        """The directory of the mounted secrets: `github-app`, `ssh`, `model`."""
        return self.root / "secrets"

    @property
    def shared(self) -> Path:
        """The directory that the agent's container mounts read-only."""
        return self.root / "run/broker"


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


class Broker:
    """Serves one pod, from `start` to `stop`."""

    def __init__(self, configuration: Configuration, mounts: Mounts, clock: Callable[[], datetime] = utc_now) -> None:
        self._configuration, self._mounts = configuration, mounts
        self._port, self.credential = readiness.previous_address(mounts.shared) or (0, admission.new_credential())
        self.usage = Usage(prices=configuration.model.prices if configuration.model else {})
        git, namespace = configuration.git, configuration.namespace
        self._app = AppRepositories(git, mounts.secrets / "github-app", namespace, clock) if git.app else None
        self._lfs = LfsGrants(self.credential)
        self._model = self._model_credential()
        self._session: ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> Ready:
        """Listen on loopback, check the credentials, and write the result for the agent's container.

        A broker that is restarted in its pod keeps port and credential, which the running agent uses.
        """
        if self._configuration.git.user:
            self._relay().start(self._mounts.shared / readiness.SOCKET)
        self._session = forwarding.new_session()
        self._runner = web.AppRunner(
            self._application(self._session), access_log=None, shutdown_timeout=STOP_SECONDS, auto_decompress=False
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        port = self._runner.addresses[0][1]
        self._lfs.url = f"http://127.0.0.1:{port}"
        problems = await asyncio.to_thread(self._problems)
        ready = Ready(port, self.credential, problems)
        ready.write(self._mounts.shared)
        return ready

    async def stop(self) -> None:
        """Stop serving; open requests are aborted after STOP_SECONDS."""
        if self._runner:
            await self._runner.cleanup()
        if self._session:
            await self._session.close()

    def _model_credential(self) -> ModelCredential | None:
        model = self._configuration.model
        namespace = self._configuration.namespace
        return credential_of(model, self._mounts.secrets / "model/credential", namespace) if model else None

    def _relay(self) -> SshRelay:
        files = SshFiles(self._mounts.secrets / "ssh/id_ed25519", self._mounts.known_hosts)
        return SshRelay(self._configuration.git, files, self.credential, self._lfs)

    def _application(self, session: ClientSession) -> web.Application:
        application = web.Application(client_max_size=1_048_576, middlewares=[self._authenticate])
        model, git, wanted = self._configuration.model, self._configuration.git, self._configuration.pull_request
        routes: list[web.RouteDef] = [web.get("/usage", self._usage)]
        if model and self._model:
            proxy = ModelProxy(model, self._model, session, self.usage).handle
            routes += [web.route("*", path, proxy) for path in ("/model/{path:.*}", "/with/{value}/model/{path:.*}")]
        if self._app:
            proxy = GitProxy(git, self._app, session).handle
            routes.append(web.route("*", "/git/{owner}/{name}/{endpoint:.*}", proxy))
        if git.user:
            lfs = partial(self._lfs.handle, session=session)
            routes.append(web.route("*", "/lfs/{repository}/{operation}/{endpoint:.*}", lfs))
        if self._app and wanted:
            routes.append(web.put("/pull-request", PullRequestHandler(wanted, self._app).handle))
        application.add_routes(routes)
        return application

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not admission.is_admitted(request.headers, self.credential, request.match_info.get("value", "")):
            raise web.HTTPUnauthorized(text="the broker serves its own pod only\n")
        return await handler(request)

    async def _usage(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.usage.as_json())

    def _problems(self) -> dict[str, Problem]:
        """Return the problems of credentials by part (`git`, `model`), so that no agent starts without them."""
        checks: dict[str, Callable[[], object]] = {"git": self._check_git}
        if self._model:
            checks["model"] = self._model.headers
        found = {}
        for part, check in checks.items():
            try:
                check()
            except ProblemError as error:
                found[part] = error.problem
        return found

    def _check_git(self) -> None:
        git = self._configuration.git
        if self._app:
            for repository in git.repositories:
                if repository.name and repository.required:
                    self._app.token(repository)
        elif git.user:
            path = self._mounts.secrets / "ssh/id_ed25519"
            SecretFile(path, git.user.secret, "ssh-privatekey", self._configuration.namespace).read()
