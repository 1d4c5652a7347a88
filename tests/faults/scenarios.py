"""Scenarios: whole lives of one run on any API server, in which a handler's process dies at one API call.

Each raises AssertionError if the run ends differently than without the crash.
"""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.errors import NotFound
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP
from functions.cluster.transport import Transport
from functions.composition import REPORTERS
from functions.handlers import job_finished, reconcile, sweep
from functions.runs import api_group
from functions.runs.model import naming
from functions.runs.model.run import Run, parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request
from tests.faults.bench import TEMPLATES
from tests.support.api import Harness
from tests.support.builders import settings
from tests.support.crashing import CrashingTransport, Killed
from tests.support.node import Node
from tests.support.run_steps import DONE, LOST, event, now, submitted

_numbers = itertools.count(1)
Handler = Callable[[Dependencies, Request], Any]


class Scenario:
    """The life of one run, in which a handler's process dies before or after API call number `at`."""

    def __init__(
        self,
        api: Transport,
        at: int,
        after: bool,
        redelivered: bool,
        node: Node | None = None,
        namespace: str | None = None,
    ) -> None:
        namespace = namespace or f"crash-{next(_numbers)}"
        self.harness = Harness(api, namespace, node, settings(namespace=namespace, templates=TEMPLATES))
        self.crashing = CrashingTransport(api, at, after)
        self.redelivered = redelivered
        self.crashed = False

    def deliver(self, handler: Handler, request: Request) -> None:
        """Call the handler in a process that may die; after a crash, redeliver the event or run the sweep."""
        services = Dependencies(
            self.harness.services.settings,
            Cluster(self.crashing),
            lambda: self.harness.now,
            connect_reporters=REPORTERS,
        )
        if self.crashed:
            handler(self.harness.services, request)
            return
        try:
            handler(services, request)
        except Killed:
            self.crashed = True
            if self.redelivered:
                handler(self.harness.services, request)
            else:
                sweep.handle(self.harness.services, Request({}, b""))

    def deliver_run(self, run: Run) -> None:
        self.deliver(reconcile.handle, event(run.raw, "add"))

    def attempt(self, run: Run, report: str, *, ok: bool) -> Run:
        """Let the open attempt become ready and end, and deliver both events of its Job."""
        job = now(self.harness, run).status.job_name or ""
        self.deliver(job_finished.handle, event(self.harness.job_ready(job)))
        self.deliver(job_finished.handle, event(self.harness.job_ends(job, report, ok=ok)))
        return now(self.harness, run)

    def jobs(self) -> list[str]:
        return sorted(job["metadata"]["name"] for job in self.harness.jobs())


def succeeds(scenario: Scenario) -> None:
    run = submitted(scenario.harness)
    scenario.deliver_run(run)
    run = scenario.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.status.attempt, len(run.status.attempts)) == ("Succeeded", 1, 1)
    check_the_end(scenario, run, attempts=1)


def docs_succeed(scenario: Scenario) -> None:
    run = submitted(scenario.harness, "DocsRun")
    scenario.deliver_run(run)
    run = scenario.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.status.attempt, len(run.status.attempts)) == ("Succeeded", 1, 1)
    check_the_end(scenario, run, attempts=1)


def is_tried_again(scenario: Scenario) -> None:
    run = submitted(scenario.harness)
    scenario.deliver_run(run)
    run = scenario.attempt(run, LOST, ok=False)
    assert run.status.phase == "Retrying"
    scenario.harness.later(minutes=1)
    scenario.deliver(sweep.handle, Request({}, b""))
    run = scenario.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.status.attempt, run.status.retry_count) == ("Succeeded", 2, 1)
    assert [each.reason for each in run.status.attempts] == ["NetworkError", "Completed"]
    check_the_end(scenario, run, attempts=2)


def is_cancelled(scenario: Scenario) -> None:
    run = submitted(scenario.harness)
    scenario.deliver_run(run)
    job = now(scenario.harness, run).status.job_name or ""
    scenario.deliver(job_finished.handle, event(scenario.harness.job_ready(job)))
    cancelled = scenario.harness.kubelet.patch(
        CODE_RUN, scenario.harness.namespace, run.name, {"spec": {"cancel": True}}
    )
    scenario.deliver(reconcile.handle, event(cancelled))
    assert scenario.harness.jobs()[0]["spec"]["activeDeadlineSeconds"] == 1
    scenario.deliver(job_finished.handle, event(scenario.harness.job_ends(job, ok=False)))
    run = now(scenario.harness, run)
    assert run.status.phase == "Cancelled"
    check_the_end(scenario, run, attempts=1)


def is_deleted(scenario: Scenario) -> None:
    run = submitted(scenario.harness)
    scenario.deliver_run(run)
    scenario.harness.kubelet.delete(CODE_RUN, scenario.harness.namespace, run.name, run.uid)
    scenario.deliver(reconcile.handle, event(now(scenario.harness, run).raw))
    with pytest.raises(NotFound):
        now(scenario.harness, run)


def is_made_by_hand(scenario: Scenario) -> None:
    item = submitted(scenario.harness).raw
    metadata = {"name": "by-hand", "namespace": scenario.harness.namespace}
    spec = {**item["spec"], "service": "other"}
    run = parse(scenario.harness.kubelet.create(CODE_RUN, {**item, "metadata": metadata, "spec": spec}))
    scenario.deliver_run(run)
    run = scenario.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.finalizers) == ("Succeeded", [api_group.FINALIZER])
    assert run.is_marked_finished


def check_the_end(scenario: Scenario, run: Run, attempts: int) -> None:
    """Check for one Job and one ConfigMap per attempt, the finished label, and a sweep without writes."""
    names = [naming.job_name(run.kind, run.name, run.uid, number + 1) for number in range(attempts)]
    maps = [item["metadata"]["name"] for item in scenario.harness.kubelet.list(CONFIG_MAP, scenario.harness.namespace)]
    assert scenario.jobs() == names
    assert sorted(name for name in maps if name.startswith(("code-", "docs-"))) == names
    assert run.is_marked_finished
    sweep.handle(scenario.harness.services, Request({}, b""))  # takes the run out of the ledger
    scenario.harness.calls.calls.clear()
    sweep.handle(scenario.harness.services, Request({}, b""))
    assert scenario.harness.calls.writes == []


SCENARIOS = [succeeds, docs_succeed, is_tried_again, is_cancelled, is_deleted, is_made_by_hand]
