"""Processes of a deployment are killed with SIGKILL at random moments: each run still finishes exactly once.

killed                                 recovery
a function during a message            the message is not acknowledged and is redelivered
a function between two messages        the queue repeats the delivery
the bridge                             the next one lists and publishes all objects; meanwhile, the sweep
the dispatcher                         NATS redelivers unacknowledged messages after ACK_WAIT
"""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from functions.cluster.kinds import RUNS
from functions.events.event import Event, requested
from functions.events.receive import receive
from functions.runs.api_group import FINISHED
from functions.runs.lifecycle.states import State, state
from tests.conftest import SCALE
from tests.queues.machine import NAMESPACE, Machine, machine
from tests.support.waiting import until

RUNS_THROUGH = max(12, round(200 * SCALE))
KILLS = max(8, round(30 * SCALE))
"""Average number of kills."""
PAUSE = 0.15
"""Average of seconds between two requests."""

SERVERS = {"emulator": "pubsub_installed", "nats": "nats_installed"}
"""Fixtures that skip the test if the server of a queue is not installed."""


def run_request(number: int) -> Event:
    spec = {
        "taskId": number + 1,
        "service": f"s{number}",
        "githubUser": "octocat",
        "model": "claude-x",
        "repositoryUrl": "https://git.example/shop.git",
        "platformRepositoryUrl": "https://git.example/shop.git",
    }
    return Event(f"request-{number}", "/tests", requested("code"), "", spec)


def finished(deployment: Machine) -> int:
    """Return the number of finished runs; only metadata is read, because it is called often."""
    return sum(
        1 for kind in RUNS.values() for _ in deployment.cluster.list(kind, NAMESPACE, FINISHED, metadata_only=True)
    )


def unfinished(deployment: Machine) -> str:
    phases = Counter(
        f"{run.status.phase} {run.status.reported}" for run in deployment.runs() if FINISHED not in run.labels
    )
    return f"not finished: {phases}; logs in {deployment.folder}"


def lifecycle_event_ids(deployment: Machine) -> set[str]:
    return {receive(push.headers, push.body).event().id for push in deployment.listener.pushes}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("queue", ["embedded", "emulator", "nats"])
def test_every_run_finishes_once_although_processes_are_killed(
    tmp_path: Path, queue: str, seed: int, request: pytest.FixtureRequest
) -> None:
    if queue in SERVERS:
        request.getfixturevalue(SERVERS[queue])
    chance = random.Random(seed)
    with machine(tmp_path, queue) as deployment:
        killed: Counter[str] = Counter()
        for number in range(RUNS_THROUGH):
            for event in [run_request(number)] * chance.choice([1, 1, 2]):  # some are published twice
                deployment.queue.publisher.publish("code-requested", event)
            if number == 0:
                until(
                    lambda: finished(deployment), 100, lambda: unfinished(deployment), every=0.25
                )  # all processes run
            if chance.random() < KILLS / RUNS_THROUGH:
                child = chance.choice([each for each in deployment.children if each.target != "submit_docs"])
                killed[child.target] += 1
                deployment.kill(child)
            time.sleep(chance.uniform(0.0, 2 * PAUSE))
        print(f"seed {seed}: killed {dict(killed)} while {finished(deployment)} of {RUNS_THROUGH} were finished")
        until(
            lambda: finished(deployment) == RUNS_THROUGH, 100 + RUNS_THROUGH, lambda: unfinished(deployment), every=0.25
        )
        runs = deployment.runs()
        assert len(runs) == RUNS_THROUGH
        assert {state(run.status) for run in runs} == {State.SUCCEEDED}
        assert {run.status.attempt for run in runs} == {1}
        assert {run.status.reported for run in runs} == {"1/succeeded"}
        assert len(deployment.kubelet.ran) == RUNS_THROUGH
        assert set(deployment.kubelet.ran.values()) == {1}
        expected = {f"{run.uid}/1/{phase}" for run in runs for phase in ("started", "succeeded")}
        until(lambda: expected <= lifecycle_event_ids(deployment), 60)
        assert lifecycle_event_ids(deployment) == expected


@pytest.fixture
def seed() -> int:
    return random.SystemRandom().randrange(1_000_000)
