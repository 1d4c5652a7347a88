"""Fleet: many runs on one API server; `settle` finishes them by sweeps alone."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, NotFound
from functions.cluster.kinds import CONFIG_MAP, POD, RUNS
from functions.cluster.transport import Transport
from functions.composition import REPORTERS
from functions.handlers import job_finished, reconcile, sweep
from functions.local.apiserver.store import Change
from functions.manifests import ledger as manifest
from functions.runs.lifecycle import states
from functions.runs.model.limits import Limits
from functions.runs.model.run import Run, parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request
from functions.settings.limits import LimitSettings
from tests.faults.bench import TEMPLATES
from tests.faults.invariants import InvariantChecker, is_live
from tests.fleet.invariants import FleetInvariantChecker
from tests.support.actors import Actor, in_order
from tests.support.api import Harness
from tests.support.builders import settings
from tests.support.crashing import CrashingTransport, Killed
from tests.support.in_process_server import InProcessServer
from tests.support.run_steps import event, submitted

NAMESPACE = "orchestrator"
ROUNDS = 80
"""Maximum of sweeps until all runs rest: with one slot, each of a dozen runs takes a few per attempt."""
Object = dict[str, Any]
Work = Callable[[Dependencies], object]


def unchanged(transport: Transport) -> Transport:
    """Return the transport itself: functions without a defect."""
    return transport


class Fleet:
    """Runs, functions with these limits, and a kubelet; `wrap` may put a transport before the API server."""

    def __init__(self, limits: Limits, wrap: Callable[[Transport], Transport] = unchanged) -> None:
        self.wrap = wrap
        self.server = InProcessServer()
        self.harness = Harness(self.server, NAMESPACE, configured=settings(namespace=NAMESPACE, templates=TEMPLATES))
        self.harness.configure(
            limits=LimitSettings(
                runs=limits.runs,
                per_service=limits.per_service,
                per_agent=limits.per_agent,
                exclusive=limits.exclusive,
            )
        )
        self.checker = FleetInvariantChecker(self.server.store, NAMESPACE, limits, lambda: self.harness.now)
        self.each = InvariantChecker(self.server.content())
        self.server.store.observe(self.each.see)
        self.events: list[tuple[str, str]] = []
        self.server.store.observe(self._notice)
        self._count = 0

    def _notice(self, change: Change) -> None:
        """Record an undelivered event: the kind of object, and its body."""
        if change.type != "DELETED" and change.key.resource.split(".")[0] in ("coderuns", "docsruns", "jobs"):
            self.events.append((change.key.resource, change.body))

    def submit(self, kind: str, **spec: Any) -> str:
        """Create a run and return its name."""
        self._count += 1
        if kind == "CodeRun":
            spec["taskId"] = self._count
        return submitted(self.harness, kind, f"run-{self._count}", **spec).name

    def runs(self) -> list[Run]:
        found = [raw for kind in RUNS.values() for raw in self.harness.kubelet.list(kind, NAMESPACE)]
        return [parse(raw) for raw in found]

    def calls(self, work: Work, transport: Transport | None = None) -> None:
        """Call a function; a request that it answers with an error is not repeated."""
        with suppress(ClusterError, Killed):
            work(self._services(transport or self.harness.calls))

    def _services(self, transport: Transport) -> Dependencies:
        services = self.harness.services
        return Dependencies(
            services.settings, Cluster(self.wrap(transport)), services.clock, connect_reporters=REPORTERS
        )

    def dies(self, work: Work, at: int, *, after: bool) -> bool:
        """Call a function that dies at that API call; return whether it made so many calls."""
        crashing = CrashingTransport(self.server, at, after)
        self.calls(work, crashing)
        return crashing.triggered

    def interleavings(self, works: Sequence[Work], order: Sequence[int]) -> None:
        """Run functions concurrently, with their API calls in that order."""
        in_order([self._actor(work) for work in works], order)

    def _actor(self, work: Work) -> Actor:
        return Actor(self.server, lambda transport: work(self._services(transport)))

    def delivery(self, index: int) -> Work:
        """Return the delivery of an undelivered event, which stays undelivered and may be delivered again."""
        resource, body = self.events[index % len(self.events)]
        handler = job_finished if resource == "jobs.batch" else reconcile
        return lambda services: handler.handle(services, event(json.loads(body)))

    @staticmethod
    def sweep(services: Dependencies) -> None:
        sweep.handle(services, Request({}, b""))

    def live_jobs(self) -> list[Object]:
        return [job for job in self.harness.jobs() if is_live(job)]

    def pod_ends(self, job: Object, report: str, *, ok: bool) -> None:
        """End the Job's pod, and start it before if needed."""
        name, stopped = job["metadata"]["name"], job["spec"].get("activeDeadlineSeconds") == 1
        self.pod_comes_up(job)
        self.harness.job_ends(name, "" if stopped else report, ok=ok and not stopped)

    def pod_comes_up(self, job: Object) -> None:
        name = job["metadata"]["name"]
        if next(self.harness.kubelet.list(POD, NAMESPACE, f"job-name={name}"), None) is None:
            self.harness.job_ready(name)

    def asks(self, run: Run, **spec: Any) -> None:
        """Change the run's spec, as a person does."""
        with suppress(ClusterError):
            self.harness.kubelet.patch(RUNS[run.kind], NAMESPACE, run.name, {"spec": spec})

    def deletes(self, run: Run) -> None:
        self.harness.kubelet.delete(RUNS[run.kind], NAMESPACE, run.name, run.uid)

    def settle(self, report: str) -> None:
        """Sweep, without events, until all runs rest; each pod ends with that report."""
        for _ in range(ROUNDS):
            self.server.collect()
            live = self.live_jobs()
            for job in live:
                self.pod_ends(job, report, ok=True)
            self.harness.later(minutes=2)
            before = self.server.store.version
            self.calls(self.sweep)
            if not live and before == self.server.store.version:
                return
        self.checker.violations.append(f"the fleet is not at rest after {ROUNDS} sweeps")

    def check(self) -> None:
        """Raise AssertionError if an invariant was violated, a run is unfinished or a slot is still reserved."""
        assert self.wrong() == []

    def wrong(self) -> list[str]:
        """Return the violated invariants, the unfinished runs and the slots that are still reserved."""
        return [*self.checker.violations, *self.each.violations, *self._unfinished()]

    def _unfinished(self) -> Iterator[str]:
        for run in self.runs():
            if states.state(run.status) not in states.FINISHED:
                yield f"{run.name} is not finished"
        try:
            raw = self.harness.kubelet.get(CONFIG_MAP, NAMESPACE, manifest.NAME)
        except NotFound:
            return
        for entry in manifest.parse(raw).entries.values():
            yield f"{entry.name} still holds a slot"
