"""Passes that run out of time: their queue, clock and runs."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import NotFound
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP
from functions.cluster.transport import Transport
from functions.events.event import RETENTION_DUE, SWEEP_DUE, Event
from functions.handlers import sweep
from functions.manifests import ledger
from functions.manifests.checkpoint import name_of
from functions.queues.publisher import PublishError
from functions.runs import api_group
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request
from functions.settings.limits import LimitSettings
from tests.faults.bench import TEMPLATES
from tests.fleet.population import Population
from tests.support.api import Harness
from tests.support.builders import settings
from tests.support.in_process_server import InProcessServer

PAGE = 3
SIZE = 30
MOST = 200
"""More passes than any of these chains takes."""
DUE = {"sweep": SWEEP_DUE, "retention": RETENTION_DUE}
FREE = LimitSettings(exclusive=False)


@dataclass
class Queue:
    """A publisher that keeps the messages asking for another pass, and drops the others."""

    refuses: bool = False
    asked: list[Event] = field(default_factory=list)

    def publish(self, topic: str, event: Event) -> None:
        if topic == "sweep":
            if self.refuses:
                raise PublishError("refused by the test")
            self.asked.append(event)


class Clock:
    """A clock that each read moves on by `step`; None: it stands still."""

    def __init__(self, harness: Harness, step: timedelta | None) -> None:
        self._harness, self._step, self._spent = harness, step or timedelta(), timedelta()

    def __call__(self) -> datetime:
        self._spent += self._step
        return self._harness.now + self._spent


class PassBench:
    """A population on a server with small pages."""

    def __init__(self, limits: LimitSettings = FREE, queue: Queue | None = None) -> None:
        self.server = InProcessServer()
        configured = settings(namespace="orchestrator", templates=TEMPLATES)
        self.harness = Harness(self.server, "orchestrator", configured=configured)
        self.harness.configure(limits=limits)
        self.population = Population(self.harness, SIZE)
        self.queue = queue
        if limits == FREE:
            self.harness.kubelet.delete(CONFIG_MAP, self.harness.namespace, ledger.NAME, self._uid(ledger.NAME))
        self.unfinished = SIZE - self.population.counts["finished"]

    def _uid(self, name: str) -> str:
        found: str = self.harness.kubelet.get(CONFIG_MAP, self.harness.namespace, name)["metadata"]["uid"]
        return found

    def services(self, step: timedelta | None = None, transport: Transport | None = None) -> Dependencies:
        cluster = Cluster(transport or self.harness.calls, PAGE)
        return replace(self.harness.services, cluster=cluster, clock=Clock(self.harness, step), publisher=self.queue)

    def passes(self, services: Dependencies, pass_kind: str = "sweep") -> dict[str, Any]:
        """Run one pass and return its counts."""
        headers = {"ce-id": "1", "ce-source": "s", "ce-specversion": "1.0", "ce-type": DUE[pass_kind]}
        answer = sweep.handle(services, Request(headers, b""))
        assert answer.body
        return dict(answer.body["data"])

    def chain(
        self, step: timedelta | None, pass_kind: str = "sweep", transport: Transport | None = None
    ) -> list[dict[str, Any]]:
        """Run passes until one reaches the end of the lists, and return the counts of each."""
        found = [self.passes(self.services(step, transport), pass_kind)]
        while found[-1].get("left_at"):
            assert len(found) < MOST, found[-1]
            found.append(self.passes(self.services(step, transport), pass_kind))
        return found

    def note(self, pass_kind: str = "sweep") -> dict[str, str]:
        try:
            found: dict[str, str] = self.harness.kubelet.get(CONFIG_MAP, self.harness.namespace, name_of(pass_kind))[
                "data"
            ]
        except NotFound:
            return {}
        return found

    def runs(self) -> dict[str, Any]:
        """Return the state of each run, without times and versions."""
        found = self.harness.kubelet.list(CODE_RUN, self.harness.namespace)
        return {raw["metadata"]["name"]: self._run_state(raw) for raw in found}

    @staticmethod
    def _run_state(raw: dict[str, Any]) -> Any:
        status = raw["status"]
        reason = next(each["reason"] for each in status["conditions"] if each["type"] == "Succeeded")
        return status["phase"], reason, status.get("attempt"), api_group.FINISHED in raw["metadata"]["labels"]

    def end(self) -> Any:
        """Return the end state to compare: runs, Jobs, ConfigMaps, and the runs with a slot."""
        jobs = sorted(_name_without_uid(job) for job in self.harness.jobs())
        maps = sorted(_name_without_uid(item) for item in self.harness.kubelet.list(CONFIG_MAP, self.harness.namespace))
        return self.runs(), jobs, [name for name in maps if not name.startswith("orchestrator-")], self._slots()

    def _slots(self) -> set[str]:
        try:
            raw = self.harness.kubelet.get(CONFIG_MAP, self.harness.namespace, ledger.NAME)
        except NotFound:
            return set()
        return {entry.name for entry in ledger.parse(raw).entries.values()}


def _name_without_uid(item: dict[str, Any]) -> str:
    """Return the object's name without the run's uid, which differs between benches."""
    return re.sub(r"-[0-9a-f]{5}-(\d+)$", r"-\1", item["metadata"]["name"])
