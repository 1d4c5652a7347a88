"""One run on an API server of its own, at a stage of its life, with all that happens to runs: functions, people,
the kubelet, the clock. `settle` lets everything come to rest without any event; `check` says whether all is well
then.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import NotFound
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, POD
from functions.cluster.transport import Transport
from functions.handlers import job_finished, reconcile, sweep
from functions.handlers.http import Request
from functions.handlers.services import Services
from functions.local.apiserver.store import Key
from functions.runs import lifecycle, naming
from functions.runs.run import Run, parse
from tests.faults.witness import Witness, is_live
from tests.life.test_run import DONE, event
from tests.support.api import World
from tests.support.direct import Direct

NAMESPACE, NAME = "orchestrator", "run-1"
ROUNDS = 12
"""Most passes until a run rests: each of its few attempts takes three."""
Object = Mapping[str, Any]
Wrap = Callable[[Transport], Transport]
Outcome = tuple[Any, ...]


@dataclass(frozen=True)
class Stage:
    """A moment of a run's life: what the API server holds, and the time."""

    name: str
    content: bytes | None
    now: datetime | None


@dataclass(frozen=True)
class Ending:
    """How an agent's container ends."""

    report: str
    ok: bool
    terminated: Mapping[str, Any] = field(default_factory=dict)


WELL = Ending(DONE, ok=True)
STOPPED = Ending("", ok=False)
EMPTY = Stage("empty", None, None)


def unchanged(transport: Transport) -> Transport:
    """The functions as they are."""
    return transport


class Place:
    """A copy of a stage; `wrap` may come between the functions and the API server."""

    def __init__(self, stage: Stage = EMPTY, wrap: Wrap = unchanged) -> None:
        self.server = Direct(stage.content)
        self.world = World(self.server, NAMESPACE)
        self.world.now = stage.now or self.world.now
        self.witness = Witness(self.server.store)
        self.wrap = wrap
        self.endings: Mapping[int, Ending] = {}
        self.kubelet = self.world.kubelet

    def stage(self, name: str) -> Stage:
        """The place as it is now."""
        return Stage(name, self.server.content(), self.world.now)

    def services(self, transport: Transport | None = None) -> Services:
        """Services of a function whose calls go through `transport`."""
        cluster = Cluster(self.wrap(transport or self.world.calls))
        return Services(self.world.services.settings, cluster, lambda: self.world.now)

    def raw(self) -> dict[str, Any]:
        """The run as it is now. Raises NotFound."""
        return self.kubelet.get(CODE_RUN, NAMESPACE, NAME)

    def run(self) -> Run | None:
        try:
            return parse(self.raw())
        except NotFound:
            return None

    def jobs(self) -> list[dict[str, Any]]:
        return self.world.jobs()

    def reconcile(self, services: Services | None = None) -> None:
        """Delivers the run's very first event, late: the one that never says that nothing is to be done."""
        run = self.run()
        if run:
            first = {key: value for key, value in run.raw.items() if key != "status"}
            reconcile.handle(services or self.services(), event(first))

    def job_events(self, services: Services | None = None) -> None:
        """Delivers the present state of every Job."""
        for job in self.jobs():
            job_finished.handle(services or self.services(), event(job))

    def sweep(self, services: Services | None = None) -> None:
        sweep.handle(services or self.services(), Request({}, b""))

    def pod_comes_up(self) -> None:
        """The kubelet starts the live Job's pod, if there is one that has none."""
        for job in self.live_jobs():
            if not self._pod(job["metadata"]["name"]):
                self.world.job_ready(job["metadata"]["name"])

    def pod_ends(self, ending: Ending | None = None) -> None:
        """The kubelet ends the live Job's pod, if any: as it was told to, or as the attempt's number says."""
        for job in self.live_jobs():
            number = int(job["metadata"].get("labels", {}).get(naming.label("attempt"), 1))
            stopped = job["spec"].get("activeDeadlineSeconds") == 1
            end = STOPPED if stopped else ending or self.endings.get(number, WELL)
            self.pod_comes_up()
            self.world.job_ends(job["metadata"]["name"], end.report, ok=end.ok, **end.terminated)

    def live_jobs(self) -> list[dict[str, Any]]:
        return [job for job in self.jobs() if is_live(job)]

    def _pod(self, job: str) -> Object | None:
        return next(self.kubelet.list(POD, NAMESPACE, f"job-name={job}"), None)

    def finish_pods(self) -> bool:
        """The kubelet finishes all that runs, and pods whose grace period is over; whether there was anything."""
        live = self.live_jobs()
        self.pod_ends()
        grace = [pod for pod in self.kubelet.list(POD, NAMESPACE) if pod["status"]["phase"] == "Running"]
        for pod in grace:
            ended = {"phase": "Failed", "reason": "DeadlineExceeded"}
            self.kubelet.patch(POD, NAMESPACE, pod["metadata"]["name"], {"status": ended}, "status")
        return bool(live or grace)

    def settle(self, passes: int = ROUNDS) -> None:
        """No event comes any more: kubelet, sweep and garbage collector work until none finds anything to do."""
        for _ in range(passes):
            self.server.collect()
            ran = self.finish_pods()
            self.world.later(minutes=2)
            before = self.server.store.version
            self.sweep()
            waits = (run := self.run()) is not None and lifecycle.state(run.status) not in lifecycle.FINISHED
            if not ran and not waits and before == self.server.store.version:
                return
        self.witness.violations.append(f"the run does not come to rest in {passes} passes: {self.outcome()}")

    def outcome(self) -> Outcome:
        """What became of the run: phase, reason, attempts; how many it had when it was cancelled is luck."""
        run = self.run()
        if run is None:
            return ("gone",)
        reason = run.status.succeeded.reason if run.status.succeeded else None
        return (run.status.phase, reason, 0 if reason == "Cancelled" else len(run.status.attempts))

    def state(self) -> frozenset[str]:
        """All that decides what happens from here on; two places with the same state have the same future."""
        return frozenset(
            _state(key, body) for key, body in self.server.objects(NAMESPACE) if key.resource != "events"
        )

    def check(self) -> None:
        """Raises AssertionError where something was never to be, or is not as it should be in the end."""
        self.server.collect()
        run = self.run()
        wrong = self.witness.violations + (self._left_over() if run is None else self._unfinished(run))
        assert not wrong, "; ".join(wrong)

    def _left_over(self) -> list[str]:
        maps = [item for item in self.kubelet.list(CONFIG_MAP, NAMESPACE) if item["metadata"].get("ownerReferences")]
        return [f"{item['metadata']['name']} is left over" for item in (*maps, *self.jobs()) if _ours(item)]

    def _unfinished(self, run: Run) -> list[str]:
        wrong = []
        jobs = sorted(job["metadata"]["name"] for job in self.jobs() if _ours(job))
        named = sorted(a.job_name for a in run.status.attempts if a.reason != "NameTaken")
        if lifecycle.state(run.status) not in lifecycle.FINISHED or run.labels.get(naming.FINISHED) != "true":
            wrong.append(f"is not finished and marked so: {self.outcome()}")
        if run.status.open_attempt:
            wrong.append("an attempt is open for ever")
        if jobs != named:
            wrong.append(f"the Jobs are {jobs}, the attempts {named}")
        return wrong


def _state(key: Key, body: str) -> str:
    item = json.loads(body.replace(json.loads(body)["metadata"]["uid"], key.name))
    for luck in ("resourceVersion", "creationTimestamp", "deletionTimestamp"):
        if luck in item["metadata"]:
            item["metadata"][luck] = luck
    return json.dumps([key, item])


def _ours(item: Object) -> bool:
    return any(owner.get("name") == NAME for owner in item["metadata"].get("ownerReferences") or ())
