"""Passes that run out of time: the queue, the clock and the runs that they meet."""

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
    """Keeps the messages that ask for another pass; what is told of runs goes nowhere."""

    refuses: bool = False
    asked: list[Event] = field(default_factory=list)

    def publish(self, topic: str, event: Event) -> None:
        if topic == "sweep":
            if self.refuses:
                raise PublishError("refused by the test")
            self.asked.append(event)


class Clock:
    """Each look at it takes `step`; None: it stands still."""

    def __init__(self, harness: Harness, step: timedelta | None) -> None:
        self._harness, self._step, self._spent = harness, step or timedelta(), timedelta()

    def __call__(self) -> datetime:
        self._spent += self._step
        return self._harness.now + self._spent


class PassBench:
    """A crowd on a server with small pages."""

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

    def passes(self, services: Dependencies, what: str = "sweep") -> dict[str, Any]:
        """What one pass answers."""
        headers = {"ce-id": "1", "ce-source": "s", "ce-specversion": "1.0", "ce-type": DUE[what]}
        answer = sweep.handle(services, Request(headers, b""))
        assert answer.body
        return dict(answer.body["data"])

    def chain(
        self, step: timedelta | None, what: str = "sweep", transport: Transport | None = None
    ) -> list[dict[str, Any]]:
        """What the passes answer until one comes to the end, each within its time."""
        found = [self.passes(self.services(step, transport), what)]
        while found[-1].get("left_at"):
            assert len(found) < MOST, found[-1]
            found.append(self.passes(self.services(step, transport), what))
        return found

    def note(self, what: str = "sweep") -> dict[str, str]:
        try:
            found: dict[str, str] = self.harness.kubelet.get(CONFIG_MAP, self.harness.namespace, name_of(what))["data"]
        except NotFound:
            return {}
        return found

    def runs(self) -> dict[str, Any]:
        """What became of each run, without times and versions."""
        found = self.harness.kubelet.list(CODE_RUN, self.harness.namespace)
        return {raw["metadata"]["name"]: self._told(raw) for raw in found}

    @staticmethod
    def _told(raw: dict[str, Any]) -> Any:
        status = raw["status"]
        reason = next(each["reason"] for each in status["conditions"] if each["type"] == "Succeeded")
        return status["phase"], reason, status.get("attempt"), api_group.FINISHED in raw["metadata"]["labels"]

    def end(self) -> Any:
        """What is compared: runs, Jobs, who has a place."""
        jobs = sorted(_anybody(job) for job in self.harness.jobs())
        maps = sorted(_anybody(item) for item in self.harness.kubelet.list(CONFIG_MAP, self.harness.namespace))
        return self.runs(), jobs, [name for name in maps if not name.startswith("orchestrator-")], self._places()

    def _places(self) -> set[str]:
        try:
            raw = self.harness.kubelet.get(CONFIG_MAP, self.harness.namespace, ledger.NAME)
        except NotFound:
            return set()
        return {entry.name for entry in ledger.parse(raw).entries.values()}


def _anybody(item: dict[str, Any]) -> str:
    """Its name without the run's uid, which differs from scene to scene."""
    return re.sub(r"-[0-9a-f]{5}-(\d+)$", r"-\1", item["metadata"]["name"])
