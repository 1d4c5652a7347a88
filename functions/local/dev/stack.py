"""The parts of the system on one machine, started in the order of their dependencies and stopped in reverse."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

import urllib3

from functions.bridge.bridge import TOPIC_BY_KIND, Bridge
from functions.cluster.client import Cluster
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.console.context import Console
from functions.console.local_access import LocalAccess
from functions.console.server import STREAMS, ConsoleServer, PortError
from functions.console.streams import StreamSlots
from functions.local.database import StateError
from functions.local.dev import agent_clis
from functions.local.dev.cluster import create_defaults, write_kubeconfig
from functions.local.dev.function_processes import Child, CommandChild, Register, RegisterError, stop
from functions.local.dev.pod_environ import ROOT, PodEnviron
from functions.local.dev.queues import EmbeddedQueue, EmulatedPubsub, MachineQueue, Nats, QueueError
from functions.local.dev.repositories import Mirror, RepositoryError
from functions.local.dev.server import Server, free_port
from functions.local.runner import Runner
from functions.queues.topology import FUNCTIONS, TOPIC_OF_FUNCTION
from functions.runs.model.run import Run
from functions.settings.cluster import ClusterSettings
from functions.settings.errors import SettingsError
from functions.settings.github import GithubSettings
from functions.settings.sections import load_section

log = logging.getLogger("orchestrator")

GITHUB_FUNCTIONS = ("github_webhook", "github_event")
"""Functions started only if GitHub is configured."""

QUEUES = {"embedded": "queue", "pubsub": "Pub/Sub emulator", "nats": "NATS server with its dispatcher"}
"""The queues of one machine, as people read them."""

START_SECONDS = 60.0
"""The longest start of one part; a function takes about one second on an idle machine."""


class StartError(Exception):
    """A part did not start; the text names it and its log."""


@dataclass(frozen=True)
class Options:
    """Options of the stack.

    `port` is the API server's; functions and console use the ports after it; 0 uses free ports. `queue` is one
    of QUEUES.
    """

    state: Path
    port: int = 0
    namespace: str = "orchestrator"
    sweep_seconds: float = 5.0
    backoff_seconds: int = 2
    queue: str = "embedded"
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def agent(self) -> str:
        """The agent of runs for Claude Code: `claude` if it is installed and has an API key, otherwise `rehearsal`."""
        return "claude" if agent_clis.is_ready("claude", self.environ) else "rehearsal"


def _lock_state(state: Path) -> TextIO:
    """Lock the folder and make it private, because it contains secrets; raise StartError if it is in use."""
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    file = (state / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StartError(
            f"another orchestrator works in {state}; stop it, or set another folder with --state"
        ) from None
    return file


class Stack:
    """The API server, queue, bridge, runner, functions and console; `url` is the API server's."""

    def __init__(self, options: Options, mirrors: list[Mirror]) -> None:
        self._options = options
        self._mirrors = mirrors
        self._stops = ExitStack()
        self._stops.callback(_lock_state(options.state).close)
        self._stopping = threading.Event()
        port = options.port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.state = options.state
        (self.state / "logs").mkdir(parents=True, exist_ok=True)
        self.kubeconfig = write_kubeconfig(self.state, self.url, options.namespace)
        targets = enumerate(_targets(options.environ), 1)
        ports = {target: port + number if options.port else free_port() for number, target in targets}
        self.functions = {target: f"http://127.0.0.1:{number}" for target, number in ports.items()}
        self._console_port = port + len(ports) + 1 if options.port else free_port()
        self.console_url = f"http://127.0.0.1:{self._console_port}"
        self._queue = self._create_queue()
        self._children = [self._child(target, number) for target, number in ports.items()]
        self.cluster = Cluster(KubernetesTransport(ClusterSettings(kubeconfig=str(self.kubeconfig))))
        self._register = Register(self.state / "processes.json")
        try:
            environ = PodEnviron(options.environ, mirrors, self.cluster)
            self._runner = Runner(self.cluster, self.state / "node", extra_env=environ)
            state, crds, logs = self.state / "state.sqlite", ROOT / "crds", self._runner.pod_logs
            self._server = Server(state, crds, self._queue.embedded, logs, port)
        except StateError as error:
            self._stops.close()
            raise StartError(str(error)) from error
        self._bridge = Bridge(self.cluster, self._queue.publisher, options.namespace, TOPIC_BY_KIND)

    def start(self) -> None:
        """Start all parts and return once they answer; raise StartError."""
        self._end_leftovers()
        self._stops.callback(stop, self._children)
        for child in self._children:
            child.start()
        self._record_processes()
        for child in self._children:  # before the queue, whose deliveries would be refused and retried until then
            _wait_for(child)
        self._stops.callback(self._server.stop)
        self._server.start()
        _wait(
            "the API server",
            lambda: self._server.serving,
            lambda: self._server.alive,
            f"is the port in use? {self.url}",
        )
        create_defaults(self.cluster, self._options.namespace, agent_clis.secrets(self._options.environ))
        self._stops.callback(self._queue.stop)
        self._start_queue()
        self._record_processes()
        self._runner.start()
        self._stops.callback(self._runner.stop)
        self._bridge.start()
        self._stops.callback(self._bridge.stop)
        self._start_console()

    def supervise(self) -> None:
        """Restart functions that have ended; return when `stop` is called."""
        while not self._stopping.wait(1):
            children: list[Child | CommandChild] = [*self._children, *self._queue.children]
            for child in (child for child in children if child.ended):
                log.warning("%s ended; restarting it (its log: %s)", child.target, child.log)
                child.start()
                self._record_processes()

    def stop(self) -> None:
        """Stop all started parts in reverse order, also if stopping one of them fails."""
        self._stopping.set()
        self._stops.close()

    def _create_queue(self) -> MachineQueue:
        sweep = self._options.sweep_seconds
        endpoints = {target: url for target, url in self.functions.items() if target in TOPIC_OF_FUNCTION}
        match self._options.queue:
            case "pubsub":
                return EmulatedPubsub(self.state / "logs" / "pubsub.log", endpoints, sweep)
            case "nats":
                return Nats(self.state, endpoints, sweep)
        return EmbeddedQueue(self.url, endpoints, sweep)

    def _end_leftovers(self) -> None:
        try:
            ended = self._register.end_leftovers()
        except RegisterError as error:
            raise StartError(str(error)) from error
        if ended:
            log.warning("ended %d leftover processes of an earlier start", ended)

    def _start_queue(self) -> None:
        try:
            self._queue.start()
        except QueueError as error:
            raise StartError(str(error)) from error

    def _start_console(self) -> None:
        console = Console(
            self.cluster,
            self._options.namespace,
            LocalAccess(),
            StreamSlots(STREAMS),
            diff=partial(_diff, self._mirrors),
        )
        try:
            server = ConsoleServer(console, self._console_port)
        except PortError as error:
            raise StartError(f"the console did not start (is the port in use? {self.console_url}): {error}") from error
        self._stops.callback(server.stop)
        server.start()

    def _record_processes(self) -> None:
        self._register.write([*self._children, *self._queue.processes])

    def _child(self, target: str, port: int) -> Child:
        settings = {
            "ORCHESTRATOR_NAMESPACE": self._options.namespace,
            "ORCHESTRATOR_AGENT__IMAGE": "local",
            "ORCHESTRATOR_BROKER__IMAGE": "local",
            **agent_clis.model_urls(self._options.environ),
            "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(self.kubeconfig),
            "ORCHESTRATOR_JOB__BACKOFF": str(self._options.backoff_seconds),
            "THREADS": "8",
            **self._queue.environ,
        }
        return Child(target, port, {**self._options.environ, **settings}, self.state / "logs" / f"{target}.log")


def _diff(mirrors: Sequence[Mirror], run: Run) -> str | None:
    """Return the diff of a run's branch in the mirror of its repository; None if there is none."""
    mirror = next((candidate for candidate in mirrors if run.spec and candidate.url == run.spec.repository_url), None)
    if mirror is None or run.spec is None or not run.status.branch:
        return None
    try:
        return mirror.diff(run.status.branch, run.spec.base_branch)
    except RepositoryError:  # the branch was not pushed
        return None


def _targets(environ: Mapping[str, str]) -> list[str]:
    """Return the functions to start; raise StartError if the settings are invalid."""
    try:
        github = load_section(environ, "github", GithubSettings)
    except SettingsError as error:
        raise StartError(str(error)) from error
    always = [target for target in FUNCTIONS if target not in GITHUB_FUNCTIONS]
    return [*always, *GITHUB_FUNCTIONS] if github.configured and github.webhook_secrets else always


def _wait_for(child: Child) -> None:
    hint = f"is the port in use? {child.url}; its log: {child.log}"
    _wait(child.target, lambda: _healthy(child.url), lambda: not child.ended, hint)


def _healthy(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/health", retries=False, timeout=2).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _wait(part: str, ready: Callable[[], bool], alive: Callable[[], bool], hint: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if not alive():
            raise StartError(f"{part} ended while it was starting ({hint})")
        if time.monotonic() > deadline:
            raise StartError(f"{part} did not answer within {START_SECONDS:.0f} s ({hint})")
        time.sleep(0.02)
