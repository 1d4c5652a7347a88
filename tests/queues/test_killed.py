"""Any process is killed with SIGKILL at any moment while runs go through: each run finishes, once.

killed                                 what heals it
a function in the middle of a message  it was not acknowledged, and comes again
a function between two                 the queue waits for it, and tries again
the bridge                             the next one lists, and tells of everything there is; the sweep meanwhile
the dispatcher                         NATS delivers again what it had not settled, after ACK_WAIT
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
from tests.queues.machine import NAMESPACE, Machine, machine, until

RUNS_THROUGH = max(12, round(200 * SCALE))
KILLS = max(8, round(30 * SCALE))
"""About so many, of processes that take a second or two to start again."""
PAUSE = 0.3
"""Seconds between two requests, on average."""

SERVERS = {"emulator": "pubsub_installed", "nats": "nats_installed"}
"""Fixtures that skip, and say why, where the server of a queue is not installed."""


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


def finished(at_work: Machine) -> int:
    """Return how many runs are; only metadata is read, because this is called again and again."""
    return sum(1 for kind in RUNS.values() for _ in at_work.cluster.list(kind, NAMESPACE, FINISHED, metadata_only=True))


def left(at_work: Machine) -> str:
    phases = Counter(
        f"{run.status.phase} {run.status.reported}" for run in at_work.runs() if FINISHED not in run.labels
    )
    return f"not finished: {phases}; logs in {at_work.folder}"


def heard(at_work: Machine) -> set[str]:
    return {receive(push.headers, push.body).event().id for push in at_work.listener.pushes}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("queue", ["embedded", "emulator", "nats"])
def test_killed_at_random_moments_every_run_finishes_once(
    tmp_path: Path, queue: str, seed: int, request: pytest.FixtureRequest
) -> None:
    if queue in SERVERS:
        request.getfixturevalue(SERVERS[queue])
    chance = random.Random(seed)
    with machine(tmp_path, queue) as at_work:
        killed: Counter[str] = Counter()
        for number in range(RUNS_THROUGH):
            for event in [run_request(number)] * chance.choice([1, 1, 2]):  # some are published twice
                at_work.queue.publisher.publish("code-requested", event)
            if number == 0:
                until(lambda: finished(at_work), 100, lambda: left(at_work))  # everything is up
            if chance.random() < KILLS / RUNS_THROUGH:
                child = chance.choice([each for each in at_work.children if each.target != "submit_docs"])
                killed[child.target] += 1
                at_work.kill(child)
            time.sleep(chance.uniform(0.0, 2 * PAUSE))
        print(f"seed {seed}: killed {dict(killed)} while {finished(at_work)} of {RUNS_THROUGH} were finished")
        until(lambda: finished(at_work) == RUNS_THROUGH, 100 + RUNS_THROUGH, lambda: left(at_work))
        runs = at_work.runs()
        assert len(runs) == RUNS_THROUGH
        assert {state(run.status) for run in runs} == {State.SUCCEEDED}
        assert {run.status.attempt for run in runs} == {1}
        assert {run.status.reported for run in runs} == {"1/succeeded"}
        assert len(at_work.kubelet.ran) == RUNS_THROUGH
        assert set(at_work.kubelet.ran.values()) == {1}
        expected = {f"{run.uid}/1/{phase}" for run in runs for phase in ("started", "succeeded")}
        until(lambda: expected <= heard(at_work), 60)
        assert heard(at_work) == expected


@pytest.fixture
def seed() -> int:
    return random.SystemRandom().randrange(1_000_000)
