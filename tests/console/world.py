"""A console over an embedded API server, with runs, Events, pods and their logs."""

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.kinds import CONFIG_MAP, EVENT, NAMESPACE, POD, RUNS
from functions.console.context import Access, Console
from functions.console.local_access import LocalAccess
from functions.console.server import ConsoleServer
from functions.console.streams import StreamSlots
from functions.local.dev.cluster import write_kubeconfig
from functions.local.pod_logs import Portion
from functions.local.runner.log_timestamps import with_timestamp
from functions.runs import api_group
from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.runs.model.specs import SPECS
from functions.runs.model.status import Truth, derive_phase, rfc3339
from tests.support import embedded_server
from tests.support.api import ROOT
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.kubeconfigs import cluster_of

_numbers = itertools.count(1)
Object = dict[str, Any]


class Logs:
    """The logs of pods, written by tests."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], list[tuple[datetime, str]]] = {}

    def write(self, namespace: str, pod: str, *lines: str) -> None:
        written = self.lines.setdefault((namespace, pod), [])
        written.extend((datetime.now(UTC), line) for line in lines)

    async def open(self, namespace: str, pod: str, portion: Portion) -> AsyncIterator[bytes]:
        for moment, line in list(self.lines.get((namespace, pod), ())):
            if portion.since is None or moment >= portion.since:
                text = f"{line}\n".encode()
                yield with_timestamp(moment, text) if portion.timestamps else text


@dataclass
class Clock:
    """The server's time: the present, or a time set by a test."""

    set_to: datetime | None = None

    def __call__(self) -> datetime:
        return self.set_to or datetime.now(UTC)


@dataclass(frozen=True)
class ApiServer:
    """The API server, its clock and the logs of its pods."""

    url: str
    kubeconfig: Path
    cluster: Cluster
    logs: Logs
    clock: Clock


@contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    logs, clock = Logs(), Clock()
    with embedded_server.running(folder / "state.sqlite", ROOT / "crds", logs=logs, now=clock) as url:
        kubeconfig = write_kubeconfig(folder, url, "orchestrator")
        yield ApiServer(url, kubeconfig, cluster_of(kubeconfig), logs, clock)


@dataclass
class World:
    """A namespace, and the consoles that serve it."""

    api: ApiServer
    namespace: str = field(default_factory=lambda: f"world-{next(_numbers)}")
    servers: list[ConsoleServer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cluster = self.api.cluster
        metadata = {"name": self.namespace}
        self.cluster.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def console(
        self, *, cluster: Cluster | None = None, access: Access | None = None, streams: int = 8, **more: Any
    ) -> str:
        """Start a console and return its URL."""
        slots = StreamSlots(streams) if streams else _none_free()
        console = Console(cluster or self.cluster, self.namespace, access or LocalAccess(), slots, **more)
        server = ConsoleServer(console)
        server.start()
        self.servers.append(server)
        return server.url

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    def put(
        self,
        name: str,
        kind: str = "CodeRun",
        *,
        status: Object | None = None,
        at: datetime | None = None,
        **spec: Any,
    ) -> Object:
        """Create a run with that status, submitted at that time."""
        self.api.clock.set_to = at
        full = {**(CODE_SPEC if kind == "CodeRun" else DOCS_SPEC), **spec}
        labels = naming.labels(SPECS[kind].model_validate(full))
        metadata = {"name": name, "namespace": self.namespace, "labels": labels}
        item = {"apiVersion": api_group.API_VERSION, "kind": kind, "metadata": metadata, "spec": full}
        made = self.cluster.create(RUNS[kind], item)
        self.api.clock.set_to = None
        return self.becomes(name, kind, status) if status else made

    def becomes(self, name: str, kind: str, status: Object) -> Object:
        """Set the status of a run."""
        return self.cluster.patch(RUNS[kind], self.namespace, name, {"status": status}, "status")

    def pod(self, job: str, *lines: str, phase: str = "Running") -> str:
        """Create a pod of that Job with these log lines; return its name."""
        name = f"{job}-x7k2p"
        metadata = {"name": name, "namespace": self.namespace, "labels": {"job-name": job}}
        spec = {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "x"}]}
        self.cluster.create(POD, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        self.pod_is(name, phase)
        self.api.logs.write(self.namespace, name, *lines)
        return name

    def pod_is(self, name: str, phase: str) -> None:
        state: Object = {"running": {}} if phase == "Running" else {"terminated": {"exitCode": 0}}
        container = {"name": "agent", "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": state}
        status = {"phase": phase, "containerStatuses": [] if phase == "Pending" else [container]}
        self.cluster.patch(POD, self.namespace, name, {"status": status}, "status")

    def writes(self, pod: str, *lines: str) -> None:
        self.api.logs.write(self.namespace, pod, *lines)

    def event(self, about: Object, reason: str, message: str, at: datetime, warning: bool = False) -> None:
        """Create a Kubernetes Event about an object."""
        metadata = about["metadata"]
        reference = {name: metadata.get(name) for name in ("name", "namespace", "uid")}
        item = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{next(_numbers)}", "namespace": self.namespace},
            "involvedObject": {"apiVersion": about["apiVersion"], "kind": about["kind"], **reference},
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "message": message,
            "firstTimestamp": rfc3339(at),
            "lastTimestamp": rfc3339(at),
            "count": 1,
        }
        self.cluster.create(EVENT, item)

    def task_files(self, name: str, files: dict[str, str]) -> None:
        item = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace},
            "data": files,
        }
        self.cluster.create(CONFIG_MAP, item)


def _none_free() -> StreamSlots:
    slots = StreamSlots(1)
    assert slots.take()
    return slots


def attempt(
    number: int, job: str, started: datetime, finished: datetime | None = None, reason: str = "", message: str = ""
) -> Object:
    """Return an attempt as recorded in a status."""
    found: Object = {"attempt": number, "jobName": job, "generation": 1, "startedAt": rfc3339(started)}
    if finished:
        found |= {"finishedAt": rfc3339(finished), "reason": reason, "message": message}
    return found


def status(
    reason: str, message: str = "", *, succeeded: Truth = "Unknown", attempts: Sequence[Object] = (), **more: Any
) -> Object:
    """Return a status with the condition Succeeded and the phase derived from it."""
    condition = {
        "type": "Succeeded",
        "status": succeeded,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }
    found: Object = {
        "phase": derive_phase(succeeded, Reason(reason)),
        "conditions": [condition],
        "message": message,
        "attempts": list(attempts),
    }
    if attempts:
        last = attempts[-1]
        found |= {"attempt": last["attempt"], "jobName": last["jobName"], "startedAt": attempts[0]["startedAt"]}
        if succeeded != "Unknown":
            found["finishedAt"] = last["finishedAt"]
    return found | more


def ago(**units: float) -> datetime:
    """Return a time in the past."""
    return datetime.now(UTC) - timedelta(**units)
