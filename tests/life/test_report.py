"""Lifecycle events of a run: each milestone is published at least once, with its own id, then recorded in the status.

situation                                   published
queued, started, ended                      one event each, in order, with the id <uid>/<attempt>/<phase>
a milestone was missed                      its event too
published, but not recorded (409, crash)    again, with the same id; a newer status is not overwritten
the queue refuses                           503, nothing is recorded; published later
no event arrives                            by the sweep, which then labels the run as finished
no queue is configured                      nothing; the run is labelled as finished without it
"""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN
from functions.cluster.transport import Request as Call
from functions.events.event import Event
from functions.handlers import report
from functions.queues.publisher import PublishError
from functions.runs import api_group
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.lifecycle_events import LifecycleEvent, unpublished
from functions.runs.lifecycle.states import State, move
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from functions.runs.model.status import RunStatus
from functions.serving.http import Answer, answer
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, NOW, run
from tests.support.forwarding import ForwardingTransport
from tests.support.run_steps import DONE, LOST, event, job_event, job_name, now, post, run_event, submitted, swept


@dataclass
class Topic:
    """A publisher that records events, or refuses them."""

    events: list[Event] = field(default_factory=list)
    refuses: bool = False

    def publish(self, topic: str, event: Event) -> None:
        assert topic == "lifecycle"
        if self.refuses:
            raise PublishError("topic lifecycle: refused by the test")
        self.events.append(event)

    def published(self) -> list[str]:
        return [f"{event.type.split('.')[2]} {event.id.split('/', 1)[1]}" for event in self.events]


@pytest.fixture
def topic(world: Harness) -> Topic:
    found = Topic()
    world.services = replace(world.services, publisher=found)
    return found


def reported(world: Harness, raw: Any, verb: str = "update") -> Answer:
    return answer(lambda request: report.handle(world.services, request), event(raw, verb))


def ended(world: Harness, run: Run, message: str = DONE, *, ok: bool = True) -> Run:
    run_event(world, run.raw, "add")
    job = job_name(world, run)
    world.job_ready(job)
    job_event(world, world.job_ends(job, message, ok=ok))
    return now(world, run)


@pytest.mark.parametrize("kind", ["DocsRun", "CodeRun"])
def test_each_milestone_is_published_once_and_the_last_one_before_the_finished_label(
    world: Harness, topic: Topic, kind: str
) -> None:
    made = submitted(world, kind)
    assert reported(world, made.raw, "add").code == 204
    assert topic.published() == []
    run_event(world, made.raw, "add")
    assert reported(world, now(world, made).raw).code == 204
    assert now(world, made).status.reported == "1/started"
    job = job_name(world, made)
    world.job_ready(job)
    world.calls.calls.clear()
    job_event(world, world.job_ends(job, DONE))
    assert len(world.calls.writes) == 1, "the finished label is set after the report"
    assert api_group.FINISHED not in now(world, made).labels
    world.calls.calls.clear()
    assert reported(world, now(world, made).raw).code == 204
    assert (len(world.calls.writes), len(world.calls.reads)) == (1, 1)
    world.calls.calls.clear()
    run_event(world, now(world, made).raw)
    assert len(world.calls.writes) == 1
    done = now(world, made)
    assert (done.status.reported, done.is_marked_finished) == ("1/succeeded", True)
    word = kind.lower()
    assert topic.published() == [f"{word} 1/started", f"{word} 1/succeeded"]
    last = topic.events[-1]
    assert (last.id, last.subject) == (f"{made.uid}/1/succeeded", made.key)
    assert last.type == f"platform.agents.{word}.succeeded.v1"
    assert last.data["spec"] == done.raw["spec"]
    assert last.data["status"]["conditions"][0]["status"] == "True"


def test_event_without_unpublished_milestones_costs_no_call(world: Harness, topic: Topic) -> None:
    made = submitted(world)
    run_event(world, made.raw, "add")
    reported(world, now(world, made).raw)
    noted = now(world, made)
    world.calls.calls.clear()
    assert reported(world, noted.raw).code == 204
    assert run_event(world, noted.raw).code == 204
    assert world.calls.calls == [], "a status that records a report does not drive the run"
    assert len(topic.events) == 1


def test_missed_milestone_is_published_later(world: Harness, topic: Topic) -> None:
    done = ended(world, submitted(world), LOST, ok=False)
    world.later(minutes=1)
    run_event(world, done.raw)
    job = job_name(world, done)
    world.job_ready(job)
    job_event(world, world.job_ends(job, DONE))
    reported(world, now(world, done).raw)
    assert topic.published() == ["coderun 1/started", "coderun 2/started", "coderun 2/succeeded"]
    assert now(world, done).status.reported == "2/succeeded"


def test_status_records_an_event_only_after_the_queue_accepted_it(world: Harness, topic: Topic) -> None:
    done = ended(world, submitted(world))
    topic.refuses = True
    assert reported(world, done.raw).code == 503
    assert now(world, done).status.reported is None
    assert api_group.FINISHED not in now(world, done).labels
    topic.refuses = False
    assert reported(world, done.raw).code == 204
    assert topic.published() == ["coderun 1/started", "coderun 1/succeeded"]


@dataclass
class ConcurrentChange(ForwardingTransport):
    """A transport that changes the run before the first write of its status."""

    world: Harness
    name: str
    changed: bool = False

    def send(self, request: Call) -> Any:
        if request.method == "PUT" and not self.changed:
            self.changed = True
            patch = {"metadata": {"annotations": {"moved": "on"}}}
            self.world.kubelet.patch(CODE_RUN, self.world.namespace, self.name, patch)
        return self.inner.send(request)


def test_event_is_published_once_when_the_run_changes_before_the_status_write(world: Harness, topic: Topic) -> None:
    done = ended(world, submitted(world))
    cluster = type(world.services.cluster)(ConcurrentChange(world.calls, world, done.name))
    world.services = replace(world.services, cluster=cluster)
    assert reported(world, done.raw).code == 204
    assert now(world, done).status.reported == "1/succeeded"
    assert now(world, done).raw["metadata"]["annotations"]["moved"] == "on"
    assert topic.published() == ["coderun 1/started", "coderun 1/succeeded"]


def test_an_event_published_but_not_recorded_is_published_again_with_the_same_id(world: Harness, topic: Topic) -> None:
    done = ended(world, submitted(world))
    reported(world, done.raw)
    status = {**now(world, done).raw["status"], "reported": None}
    world.kubelet.patch(CODE_RUN, world.namespace, done.name, {"status": status}, "status")
    reported(world, done.raw)
    assert len({event.id for event in topic.events}) == 2
    assert len(topic.events) == 4


def test_sweep_alone_reports_and_labels_a_run_without_events(world: Harness, topic: Topic) -> None:
    done = ended(world, submitted(world))
    swept(world)
    assert topic.published() == [], "the report function may still get the run's event"
    world.later(minutes=1)
    assert swept(world).body
    assert topic.published() == ["coderun 1/started", "coderun 1/succeeded"]
    swept(world)
    assert now(world, done).is_marked_finished


def test_failure_of_the_queue_ends_the_reports_of_a_sweep_but_not_its_repairs(world: Harness, topic: Topic) -> None:
    for number in range(3):
        ended(world, submitted(world, name=f"done-{number}", service=f"s{number}"))
    fresh = submitted(world, name="fresh", service="fresh")
    world.later(minutes=1)
    topic.refuses = True
    found = swept(world)
    assert found.body
    assert len(found.body["data"]["failed"]) == 1
    assert now(world, fresh).status.attempt == 1


def test_finished_run_with_an_unpublished_end_does_not_block_the_next(world: Harness, topic: Topic) -> None:
    first = post(world, CODE_SPEC, kind="CodeRun")
    assert first.body
    made = submitted_as(world, first.body["data"]["name"])
    assert post(world, CODE_SPEC, kind="CodeRun").code == 409
    ended(world, made)
    assert post(world, CODE_SPEC, kind="CodeRun").code == 201


def submitted_as(world: Harness, name: str) -> Run:
    return parse(world.kubelet.get(CODE_RUN, world.namespace, name))


def test_run_is_labelled_finished_without_a_queue(world: Harness) -> None:
    done = ended(world, submitted(world))
    assert done.is_marked_finished
    world.calls.calls.clear()
    assert reported(world, done.raw).code == 204
    assert world.calls.calls == []


def status(state: State, reason: Reason, base: RunStatus | None = None, **changes: Any) -> RunStatus:
    return move(base or RunStatus(), state, reason, "", generation=1, now=NOW, **changes)


def test_milestones_follow_from_the_status_alone() -> None:
    waiting = status(State.WAITING, Reason.QUEUED)
    assert unpublished(waiting) == [LifecycleEvent(1, "queued")]
    started = transitions.start(run().with_status(waiting), NOW)
    assert unpublished(started) == [LifecycleEvent(1, "started")]
    unreported = started.model_copy(update={"reported": "1/queued"})
    assert unpublished(unreported) == [LifecycleEvent(1, "started")]
    assert unpublished(status(State.CANCELLED, Reason.CANCELLED)) == [LifecycleEvent(0, "cancelled")]
    failed = status(State.FAILED, Reason.INVALID_SPEC, started)
    assert unpublished(failed.model_copy(update={"reported": "1/started"})) == [LifecycleEvent(1, "failed")]
    assert unpublished(failed.model_copy(update={"reported": "1/failed"})) == []
    assert unpublished(failed.model_copy(update={"reported": "nonsense"})) == unpublished(failed)
