"""Kills the function at every API call of a run's life, and at every call of whatever happens at any stage of it,
before and after the call was applied.

Afterwards the queue delivers the event again, or nobody does and only the sweep comes. Either way the run must end as
if nothing had happened: same outcome, one Job per attempt, no attempt lost, nothing left over.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.errors import NotFound
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, JOB
from functions.cluster.transport import Transport
from functions.handlers import job_finished, reconcile, sweep
from functions.handlers.http import Request
from functions.handlers.services import Services
from functions.runs import group, naming
from functions.runs.run import Run, parse
from tests.faults.conftest import SCALE, SEED
from tests.faults.farm import Farm
from tests.faults.happenings import HAPPENINGS
from tests.faults.interrupted import Interrupted
from tests.faults.place import TEMPLATES
from tests.faults.stages import EVERYWHERE, KINDS, STAGES, Build, reached
from tests.life.test_run import DONE, LOST, event, now, submitted
from tests.support.api import World
from tests.support.builders import settings
from tests.support.crashing import Crashing, Killed
from tests.support.node import Node
from tests.support.recall import Past, Recalling

MOST_CALLS = 60
_numbers = itertools.count(1)
Handler = Callable[[Services, Request], Any]


class Story:
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
        self.world = World(api, namespace, node, settings(namespace=namespace, templates=TEMPLATES))
        self.crashing = Crashing(api, at, after)
        self.redelivered = redelivered
        self.crashed = False

    def deliver(self, handler: Handler, request: Request) -> None:
        """Calls the handler in the process that may die; where it does, the event comes again or the sweep does."""
        services = Services(self.world.services.settings, Cluster(self.crashing), lambda: self.world.now)
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


def succeeds(story: Story) -> None:
    run = submitted(story.world)
    story.deliver_run(run)
    run = story.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.status.attempt, len(run.status.attempts)) == ("Succeeded", 1, 1)
    check_the_end(story, run, attempts=1)


def docs_succeed(story: Story) -> None:
    run = submitted(story.world, "DocsRun")
    story.deliver_run(run)
    run = story.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.status.attempt, len(run.status.attempts)) == ("Succeeded", 1, 1)
    check_the_end(story, run, attempts=1)


def is_tried_again(story: Story) -> None:
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


def is_cancelled(story: Story) -> None:
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


def is_deleted(story: Story) -> None:
    run = submitted(story.world)
    story.deliver_run(run)
    story.world.kubelet.delete(CODE_RUN, story.world.namespace, run.name, run.uid)
    story.deliver(reconcile.handle, event(now(story.world, run).raw))
    with pytest.raises(NotFound):
        now(story.world, run)


def is_made_by_hand(story: Story) -> None:
    item = submitted(story.world).raw
    metadata = {"name": "by-hand", "namespace": story.world.namespace}
    spec = {**item["spec"], "service": "other"}
    run = parse(story.world.kubelet.create(CODE_RUN, {**item, "metadata": metadata, "spec": spec}))
    story.deliver_run(run)
    run = story.attempt(run, DONE, ok=True)
    assert (run.status.phase, run.finalizers) == ("Succeeded", [group.FINALIZER])
    assert run.labels[group.FINISHED] == "true"


def check_the_end(story: Story, run: Run, attempts: int) -> None:
    """One Job and one set of task files per attempt, the mark of a finished run, and nothing more to do."""
    names = [naming.job_name(run.kind, run.name, run.uid, number + 1) for number in range(attempts)]
    maps = [item["metadata"]["name"] for item in story.world.kubelet.list(CONFIG_MAP, story.world.namespace)]
    assert story.jobs() == names
    assert sorted(name for name in maps if name.startswith(("code-", "docs-"))) == names
    assert run.labels[group.FINISHED] == "true"
    sweep.handle(story.world.services, Request({}, b""))  # takes the run out of the ledger
    story.world.calls.calls.clear()
    sweep.handle(story.world.services, Request({}, b""))
    assert story.world.calls.writes == []


STORIES = [succeeds, docs_succeed, is_tried_again, is_cancelled, is_deleted, is_made_by_hand]


def play(kind: str, build: Build) -> int:
    """Kills everything at one stage at each call; how often."""
    interrupted, rng = Interrupted(reached(build, kind)), random.Random(f"{SEED} {kind} {build.__name__}")
    return sum(
        len(list(interrupted.every_call(happening, partial(Crashing, after=after), lambda: rng.random() < SCALE)))
        for happening in HAPPENINGS[kind]
        for after in (False, True)
    )


@pytest.mark.parametrize("build", STAGES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_any_call_of_anything_at_any_stage_changes_nothing(
    kind: str, build: Build, farm: Farm, tally: Counter[str]
) -> None:
    farm.sow(play, EVERYWHERE)
    tally["crash points"] += farm.reap(play, kind, build)


@pytest.mark.parametrize("redelivered", [True, False], ids=["event comes again", "only the sweep comes"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_crash_at_any_call_changes_nothing_in_the_end(
    story: Callable[[Story], None], after: bool, redelivered: bool, tally: Counter[str]
) -> None:
    tried, past = 0, Past()
    for at in range(MOST_CALLS):
        told = Story(Recalling(past), at, after, redelivered, namespace="crash")
        story(told)
        if not told.crashed:
            break
        tried += 1
    tally["crash points"] += tried
    assert 2 <= tried < MOST_CALLS, "every call of the story was fatal once, and then none was"


def test_the_harness_notices_a_job_that_is_made_twice() -> None:
    story = Story(Recalling(Past()), MOST_CALLS, False, True)
    run = submitted(story.world)
    story.deliver_run(run)
    run = story.attempt(run, DONE, ok=True)
    twin = {**story.world.jobs()[0]}
    owners = twin["metadata"]["ownerReferences"]
    metadata = {"name": "code-run-1-late", "namespace": story.world.namespace, "ownerReferences": owners}
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "x"}]}}
    story.world.kubelet.create(JOB, {**twin, "metadata": metadata, "spec": {"template": template}, "status": {}})
    with pytest.raises(AssertionError):
        check_the_end(story, run, attempts=1)
