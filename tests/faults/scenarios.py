"""Lives of one run, in each of which one call of one handler is fatal, played on any API server.

Each raises AssertionError where the run does not end as if nothing had happened.
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
    """The life of one run, in which one call of one handler is fatal."""

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
        self.world = Harness(api, namespace, node, settings(namespace=namespace, templates=TEMPLATES))
        self.crashing = CrashingTransport(api, at, after)
        self.redelivered = redelivered
        self.crashed = False

    def deliver(self, handler: Handler, request: Request) -> None:
        """Calls the handler in the process that may die; where it does, the event comes again or the sweep does."""
        services = Dependencies(
            self.world.services.settings, Cluster(self.crashing), lambda: self.world.now, connect_reporters=REPORTERS
        )
        if self.crashed:
            handler(self.world.services, request)
            return
        try:
            handler(services, request)
        except Killed:
            self.crashed = True
            if self.redelivered:
                handler(self.world.services, request)
            else:
                sweep.handle(self.world.services, Request({}, b""))

    def deliver_run(self, run: Run) -> None:
        self.deliver(reconcile.handle, event(run.raw, "add"))

    def attempt(self, run: Run, report: str, *, ok: bool) -> Run:
        """Plays the attempt that is under way."""
        job = now(self.world, run).status.job_name or ""
        self.deliver(job_finished.handle, event(self.world.job_ready(job)))
        self.deliver(job_finished.handle, event(self.world.job_ends(job, report, ok=ok)))
        return now(self.world, run)

    def jobs(self) -> list[str]:
        return sorted(job["metadata"]["name"] for job in self.world.jobs())


def succeeds(story: Scenario) -> None:
    run = submitted(story.world)
    story.deliver_run(run)
    run = story.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.status.attempt, len(run.status.attempts)) == ("Succeeded", 1, 1)
    check_the_end(story, run, attempts=1)


def docs_succeed(story: Scenario) -> None:
    run = submitted(story.world, "DocsRun")
    story.deliver_run(run)
    run = story.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.status.attempt, len(run.status.attempts)) == ("Succeeded", 1, 1)
    check_the_end(story, run, attempts=1)


def is_tried_again(story: Scenario) -> None:
    run = submitted(story.world)
    story.deliver_run(run)
    run = story.attempt(run, LOST, ok=False)
    assert run.status.phase == "Retrying"
    story.world.later(minutes=1)
    story.deliver(sweep.handle, Request({}, b""))
    run = story.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.status.attempt, run.status.retry_count) == ("Succeeded", 2, 1)
    assert [each.reason for each in run.status.attempts] == ["NetworkError", "Completed"]
    check_the_end(story, run, attempts=2)


def is_cancelled(story: Scenario) -> None:
    run = submitted(story.world)
    story.deliver_run(run)
    job = now(story.world, run).status.job_name or ""
    story.deliver(job_finished.handle, event(story.world.job_ready(job)))
    cancelled = story.world.kubelet.patch(CODE_RUN, story.world.namespace, run.name, {"spec": {"cancel": True}})
    story.deliver(reconcile.handle, event(cancelled))
    assert story.world.jobs()[0]["spec"]["activeDeadlineSeconds"] == 1
    story.deliver(job_finished.handle, event(story.world.job_ends(job, ok=False)))
    run = now(story.world, run)
    assert run.status.phase == "Cancelled"
    check_the_end(story, run, attempts=1)


def is_deleted(story: Scenario) -> None:
    run = submitted(story.world)
    story.deliver_run(run)
    story.world.kubelet.delete(CODE_RUN, story.world.namespace, run.name, run.uid)
    story.deliver(reconcile.handle, event(now(story.world, run).raw))
    with pytest.raises(NotFound):
        now(story.world, run)


def is_made_by_hand(story: Scenario) -> None:
    item = submitted(story.world).raw
    metadata = {"name": "by-hand", "namespace": story.world.namespace}
    spec = {**item["spec"], "service": "other"}
    run = parse(story.world.kubelet.create(CODE_RUN, {**item, "metadata": metadata, "spec": spec}))
    story.deliver_run(run)
    run = story.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.finalizers) == ("Succeeded", [api_group.FINALIZER])
    assert run.labels[api_group.FINISHED] == "true"


def check_the_end(story: Scenario, run: Run, attempts: int) -> None:
    """One Job and one set of task files per attempt, the mark of a finished run, and nothing more to do."""
    names = [naming.job_name(run.kind, run.name, run.uid, number + 1) for number in range(attempts)]
    maps = [item["metadata"]["name"] for item in story.world.kubelet.list(CONFIG_MAP, story.world.namespace)]
    assert story.jobs() == names
    assert sorted(name for name in maps if name.startswith(("code-", "docs-"))) == names
    assert run.labels[api_group.FINISHED] == "true"
    sweep.handle(story.world.services, Request({}, b""))  # takes the run out of the ledger
    story.world.calls.calls.clear()
    sweep.handle(story.world.services, Request({}, b""))
    assert story.world.calls.writes == []


SCENARIOS = [succeeds, docs_succeed, is_tried_again, is_cancelled, is_deleted, is_made_by_hand]
