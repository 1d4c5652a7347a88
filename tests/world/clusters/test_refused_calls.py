"""The API server refuses a call that a run needs: the status says so; what people can correct ends in time."""

from itertools import count

import pytest

from functions.cluster.errors import ClusterError, Forbidden, from_status
from functions.cluster.kinds import CODE_RUN
from functions.runs.model.run import Run
from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer
from tests.support.refusing import POLICY, RefusingTransport
from tests.support.run_steps import now, reason, run_event, submitted, sweep_minutes, swept
from tests.world.clusters.pods import RUNNING, SCHEDULED, job_of, named, pending_run, running_run, set_pod_status

DOWN = 'Internal error occurred: failed calling webhook "jobs.example": connect: connection refused'
NO_RIGHT = 'User "orchestrator" cannot {} in the namespace "clusters"'
PENDING = {"phase": "Pending", "conditions": [SCHEDULED], "containerStatuses": []}


def world_of_webhook(code: int, words: str) -> Harness:
    """Return a world in which a webhook answers for each new Job."""
    return Harness(
        RefusingTransport(InProcessServer(), error=lambda: from_status(code, {"message": words})), "clusters"
    )


def world_without(method: str, plural: str, verb: str) -> tuple[Harness, RefusingTransport]:
    """Return a world whose functions will lack this verb while the transport is on."""

    def refused() -> ClusterError:
        return Forbidden(NO_RIGHT.format(verb))

    gate = RefusingTransport(InProcessServer(), plural, refused, on=False, method=method)
    return Harness(gate, "clusters"), gate


def cancel(world: Harness, run: Run) -> None:
    run_event(world, world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"cancel": True}}))


@pytest.mark.parametrize(
    ("code", "words"), [(500, DOWN), *((code, POLICY) for code in (400, 403, 404, 409, 422, 429, 500, 503))]
)
def test_answer_of_a_webhook_is_shown_and_ends_the_run_in_time(code: int, words: str) -> None:
    world = world_of_webhook(code, words)
    run = submitted(world)
    assert run_event(world, run.raw, "add").code == 204
    shown = now(world, run)
    assert (shown.status.phase, reason(shown)) == ("Pending", "ConfigurationError")
    assert words in (shown.status.message or "")
    sweep_minutes(world, 36)
    assert now(world, run).status.phase == "Failed"


def test_run_is_cancelled_while_a_webhook_is_down() -> None:
    world = world_of_webhook(500, DOWN)
    run = submitted(world)
    swept(world)
    cancel(world, run)
    assert DOWN in (now(world, run).status.message or "")
    sweep_minutes(world, 21)
    assert now(world, run).status.phase == "Cancelled"


def test_status_names_the_right_that_stopping_a_job_needs() -> None:
    world, gate = world_without("PATCH", "jobs", "patch resource jobs")
    run, job = running_run(world)
    gate.on = True
    cancel(world, run)
    assert "cannot patch resource jobs" in (now(world, run).status.message or "")
    gate.on = False
    sweep_minutes(world, 1)
    assert job_of(world, job)["spec"]["activeDeadlineSeconds"] == 1


def test_status_names_the_right_that_reading_events_needs_until_the_agent_runs() -> None:
    world, gate = world_without("GET", "events", "list resource events")
    run, job = pending_run(world)
    set_pod_status(world, job, PENDING)
    gate.on = True
    sweep_minutes(world, 2)
    assert "cannot list resource events" in (now(world, run).status.message or "")
    set_pod_status(world, job, PENDING | {"phase": "Running", "containerStatuses": [named("agent", RUNNING)]}, ready=1)
    sweep_minutes(world, 1)
    assert now(world, run).status.message == "attempt 1 is running"


def assert_shown_once(world: Harness, run: Run, words: str) -> None:
    """Assert that the status has the words, and that its own event writes nothing again."""
    shown = now(world, run)
    assert words in (shown.status.message or "")
    run_event(world, shown.raw)
    assert now(world, run).resource_version == shown.resource_version


def test_webhook_whose_texts_differ_is_shown_once() -> None:
    ports = count(40000)
    words = 'Internal error occurred: failed calling webhook "jobs.example": read tcp 10.0.0.7:{}: connection reset'
    world = world_of_webhook(500, "")
    gate = world.calls.inner
    assert isinstance(gate, RefusingTransport)
    gate.error, gate.on, gate.method = lambda: from_status(500, {"message": words.format(next(ports))}), False, "PATCH"
    run, _ = running_run(world)
    gate.on = True
    cancel(world, run)
    assert_shown_once(world, run, "failed calling webhook")


def test_placeholder_that_a_webhook_refuses_with_other_texts_is_shown_once() -> None:
    ports = count(40000)
    world = Harness(
        RefusingTransport(InProcessServer(), error=lambda: Forbidden(f"{POLICY}, from port {next(ports)}")), "clusters"
    )
    run = submitted(world)
    swept(world)
    cancel(world, run)
    assert_shown_once(world, run, "placeholder")


def test_run_whose_first_step_is_forbidden_waits_for_a_fix_and_ends_in_time() -> None:
    world, gate = world_without("PATCH", "coderuns", "patch resource coderuns")
    run = submitted(world)
    bare = world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"metadata": {"finalizers": None}})
    gate.on = True
    run_event(world, bare, "add")
    shown = now(world, run)
    assert (shown.status.phase, reason(shown)) == ("Pending", "ConfigurationError")
    assert "cannot patch resource coderuns" in (shown.status.message or "")
    assert shown.status.pending_until is not None
    sweep_minutes(world, 36)
    assert now(world, run).status.phase == "Failed"


def test_run_whose_first_step_was_forbidden_starts_once_it_is_allowed() -> None:
    world, gate = world_without("PATCH", "coderuns", "patch resource coderuns")
    run = submitted(world)
    bare = world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"metadata": {"finalizers": None}})
    gate.on = True
    run_event(world, bare, "add")
    gate.on = False
    sweep_minutes(world, 2)
    assert now(world, run).status.message == "starting attempt 1"
