"""Random lives: events dropped, doubled, delayed and reordered, functions killed or refused in the middle, the clock
moved, people changing their minds. Then no event comes any more, and the sweep alone has to make it good.

How each attempt ends is fixed before, so that a life that nobody meddles in has one outcome, whatever the schedule.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from functions.cluster.errors import ClusterError, NotFound
from functions.cluster.kinds import CODE_RUN
from functions.cluster.transport import Transport
from functions.handlers import job_finished, reconcile
from functions.local.apiserver.store import Change
from tests.faults.conftest import SCALE, SEED
from tests.faults.place import NAME, NAMESPACE, WELL, Ending, Place, Stage
from tests.faults.stages import new, reached
from tests.faults.witness import JOB, RUN
from tests.life.test_run import LOST, event
from tests.support.crashing import Crashing, Killed
from tests.support.failing import FAULTS, Failing

SCHEDULES = 250
"""Per test, at SCALE=1."""
STEPS = 40
ENDINGS = [
    WELL,
    Ending(LOST, ok=False),
    Ending("", ok=False),
    Ending("", ok=True),
    Ending("", ok=False, terminated={"reason": "OOMKilled", "exitCode": 137}),
]
VERBS = {"ADDED": "add", "MODIFIED": "update", "DELETED": "delete"}


class Life:
    """One run, its events on their way, and a random hand that decides what happens next."""

    def __init__(self, stage: Stage, rng: random.Random, endings: Mapping[int, Ending], *, people: bool) -> None:
        self.place, self.rng, self.people = Place(stage), rng, people
        self.place.endings = endings
        self.underway: list[tuple[str, str, str]] = []
        self.place.server.store.observe(self._notice)

    def _notice(self, change: Change) -> None:
        if change.key.resource in (RUN, JOB):
            self.underway.append((change.key.resource, VERBS[change.type], change.body))

    def happens(self) -> None:
        """One random step."""
        steps = [
            self.delivers,
            self.drops,
            self.sweeps,
            self.time_passes,
            self.place.pod_comes_up,
            self.place.pod_ends,
        ]
        odds = [140, 20, 10, 40, 30, 20]
        if self.people:
            steps, odds = [*steps, self.cancels, self.retries, self.deletes], [*odds, 5, 10, 2]
        self.rng.choices(steps, odds)[0]()

    def delivers(self) -> None:
        """Any event that is on its way, now and then leaving it there to come again."""
        if self.underway:
            at = self.rng.randrange(len(self.underway))
            resource, verb, body = self.underway[at] if self.rng.random() < 0.2 else self.underway.pop(at)
            handler = reconcile if resource == RUN else job_finished
            self._calls(lambda services: handler.handle(services, event(json.loads(body), verb)))

    def drops(self) -> None:
        if self.underway:
            self.underway.pop(self.rng.randrange(len(self.underway)))

    def sweeps(self) -> None:
        self._calls(self.place.sweep)

    def time_passes(self) -> None:
        self.place.world.later(seconds=self.rng.choice([1, 5, 15, 60]))

    def cancels(self) -> None:
        self._asks({"cancel": True})

    def retries(self) -> None:
        run = self.place.run()
        version = getattr(run.spec, "context_version", 1) if run else 1
        self._asks({"contextVersion": version + 1, "cancel": None})

    def deletes(self) -> None:
        run = self.place.run()
        if run:
            self.place.kubelet.delete(CODE_RUN, NAMESPACE, NAME, run.uid)
            self.place.server.collect()

    def _asks(self, spec: dict[str, Any]) -> None:
        with suppress(NotFound):
            self.place.kubelet.patch(CODE_RUN, NAMESPACE, NAME, {"spec": spec})

    def _calls(self, handle: Any) -> None:
        """Calls a function, whose process may be killed, or one of whose calls may go wrong."""
        with suppress(Killed, ClusterError):
            handle(self.place.services(self._transport()))

    def _transport(self) -> Transport:
        server, at = self.place.server, self.rng.randrange(8)
        match self.rng.randrange(6):
            case 0:
                return Crashing(server, at, self.rng.random() < 0.5)
            case 1:
                return Failing(server, at, self.rng.choice(FAULTS))
            case _:
                return server


def undisturbed(stage: Stage, endings: Mapping[int, Ending]) -> tuple[Any, ...]:
    """What becomes of a run whose attempts end so."""
    place = Place(stage)
    place.endings = endings
    place.settle()
    place.check()
    return place.outcome()


@pytest.mark.parametrize("people", [False, True], ids=["left alone", "people change their minds"])
def test_the_sweep_makes_good_what_events_missed(people: bool, tally: Counter[str]) -> None:
    stage = reached(new)
    for number in range(round(SCHEDULES * SCALE)):
        seed = f"{SEED} {people} {number}"
        rng = random.Random(seed)
        endings = dict(enumerate(rng.choices(ENDINGS, k=30), start=1))
        life = Life(stage, rng, endings, people=people)
        for _ in range(STEPS):
            life.happens()
        life.place.settle()
        try:
            life.place.check()
            assert people or life.place.outcome() == undisturbed(stage, endings)
        except AssertionError as error:
            raise AssertionError(f"in the schedule {seed!r}: {error}") from error
        tally["event schedules"] += 1
