"""Generated histories of an issue: people write, edit, delete and close; deliveries arrive in any order.

Each delivery arrives once or twice, up to three days late. Invariants at the end:

- each run belongs to one command of a user with write access whose text existed when it was handled;
- each command that still stands has exactly one run, and that run is not cancelled;
- a run that was cancelled, or whose issue was closed with cancelOnClose, does not work;
- a second delivery of every event changes nothing.

A failure names its seed: `HISTORY_SEED=... pytest tests/world/github/test_histories.py`.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from functions.cluster.kinds import RUNS
from functions.cluster.transport import Transport
from functions.events.event import Event
from functions.runs.model import origin
from tests.conftest import SCALE
from tests.github.clock import Clock
from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.github import Github, payloads
from tests.support.github.content import user

COUNT = min(2000, max(10, round(500 * SCALE)))
SEEDS = [int(os.environ["HISTORY_SEED"])] if "HISTORY_SEED" in os.environ else range(COUNT)
BATCH = 50


@dataclass
class StartCommand:
    """A command that starts a run: where it was written, and whether it still stands."""

    url: str
    at: int
    """The step of the history at which it was written."""
    may_write: bool
    comment: int = 0
    gone: bool = False
    edited: bool = False


@dataclass
class History:
    """One issue, the actions of people on it, and the deliveries that have not arrived."""

    bench: DeliveryBench
    rng: random.Random
    number: int = 0
    asked: list[StartCommand] = field(default_factory=list)
    cancels: list[int] = field(default_factory=list)
    closed: int = 0
    step: int = 0
    deliveries: list[Event] = field(default_factory=list)
    cancel_on_close: bool = False

    def run(self) -> None:
        """Perform random actions, then deliver all events."""
        self.cancel_on_close = self.rng.random() < 0.5
        closing = f"cancelOnClose: {str(self.cancel_on_close).lower()}"
        self.bench.configure(f"labels: {{doit: /code service=api}}\n{closing}")
        self.opens()
        for _ in range(self.rng.randint(1, 6)):
            self.step += 1
            self.bench.clock.later(seconds=self.rng.randint(1, 600))
            self.rng.choice(
                [self.comments, self.comments, self.labels, self.edits, self.touches, self.deletes, self.closes]
            )()
        self.bench.clock.later(minutes=15)
        self.arrive()

    def sent(self, event: str, payload: Object) -> None:
        assert self.bench.github.hook.deliver(event, payload).status_code == 200
        self.deliveries.append(self.bench.queue.pop())

    def opens(self) -> None:
        body = self.rng.choice(["It loses items.", "It loses items.\n\n/code service=api"])
        issue = self.bench.shop.open_issue("Basket", body)
        self.number = issue["number"]
        self.sent("issues", payloads.issue(self.bench.shop, self.number, "opened"))
        if "/code" in body:
            self.asked.append(StartCommand(issue["html_url"], self.step, may_write=True))

    def comments(self) -> None:
        by = self.rng.choice(["octocat", "octocat", "octocat", "mallory"])
        body = self.rng.choice(
            [
                *("/code service=api", "/code 3 service=api", "/cancel", "hello", "/code three", "> /code"),
                *("@5dlabs-rex code 1.2 service=api", "@5dlabs-rex cancel"),
            ]
        )
        comment = self.bench.shop.comment(self.number, body, by)
        self.sent("issue_comment", payloads.issue_comment(self.bench.shop, self.number, dict(comment)))
        if body.startswith(("/code", "@5dlabs-rex code")) and "three" not in body:
            self.asked.append(StartCommand(comment["html_url"], self.step, by == "octocat", comment["id"]))
        if body.endswith("cancel") and by == "octocat":
            self.cancels.append(self.step)

    def labels(self) -> None:
        issue = self.bench.shop.issues[self.number]
        issue["updated_at"] = self.bench.shop.place.now()
        payload = payloads.issue(self.bench.shop, self.number, "labeled", label={"name": "doit"})
        self.sent("issues", payload | {"issue": dict(issue)})
        self.asked.append(StartCommand(issue["html_url"], self.step, may_write=True))

    def edits(self) -> None:
        """Remove a command from its comment."""
        for asked in self.asked:
            if asked.comment and asked.may_write and not (asked.gone or asked.edited):
                comment = self.bench.shop.comments[asked.comment]
                comment |= {"body": "never mind", "updated_at": self.bench.shop.place.now()}
                self.sent(
                    "issue_comment", payloads.issue_comment(self.bench.shop, self.number, dict(comment), "edited")
                )
                asked.edited = True
                return

    def touches(self) -> None:
        """Let a maintainer edit a comment of a user without write access; the command remains that user's."""
        for asked in self.asked:
            if asked.comment and not asked.may_write and not asked.gone:
                comment = self.bench.shop.comments[asked.comment]
                comment["updated_at"] = self.bench.shop.place.now()
                payload = payloads.issue_comment(self.bench.shop, self.number, dict(comment), "edited")
                self.sent("issue_comment", payload | {"sender": user("octocat")})
                return

    def deletes(self) -> None:
        for asked in self.asked:
            if asked.comment and not asked.gone:
                del self.bench.shop.comments[asked.comment]
                asked.gone = True
                return

    def closes(self) -> None:
        issue = self.bench.shop.issues[self.number]
        if issue["state"] == "closed":
            return
        issue |= {
            "state": "closed",
            "closed_at": self.bench.shop.place.now(),
            "updated_at": self.bench.shop.place.now(),
        }
        payload = payloads.issue(self.bench.shop, self.number, "closed")
        self.sent("issues", payload | {"issue": dict(issue)})
        self.closed = self.step

    def arrive(self) -> None:
        """Deliver every event in random order, some twice; a 503 puts the event back into the queue."""
        waiting = [*self.deliveries, *(each for each in self.deliveries if self.rng.random() < 0.3)]
        self.rng.shuffle(waiting)
        while waiting:
            event = waiting.pop()
            self.bench.clock.later(hours=self.rng.choice([0, 0, 0, 1, 24]) if self.rng.random() < 0.2 else 0)
            code = self.bench.take(event).code
            assert code in (204, 503)
            if code == 503:
                self.bench.clock.later(minutes=5)
                waiting.insert(0, event)

    def check(self) -> None:
        runs = [
            run for run in self.bench.runs() if (found := origin.from_object(run.raw)) and found.number == self.number
        ]
        urls = [found.url for run in runs if (found := origin.from_object(run.raw))]
        allowed = [asked.url for asked in self.asked if asked.may_write and not (asked.gone or asked.edited)]
        assert all(urls.count(url) <= allowed.count(url) for url in urls), "a run without a command"
        last_cancel = max(self.cancels, default=-1)
        closed = self.closed if self.cancel_on_close else -1
        for asked in self.asked:
            if asked.url not in allowed or asked.at <= max(last_cancel, closed):
                continue
            assert asked.url in urls, "a command that stands has no run"
        live = [run for run in runs if not run.cancel]
        standing = [asked for asked in self.asked if asked.url in allowed and asked.at > max(last_cancel, closed)]
        assert len(live) >= len(standing)
        if closed > 0:
            assert len(live) <= sum(asked.at > closed for asked in self.asked if asked.url in allowed)
        if last_cancel >= 0 and not standing and len(runs) == 1:
            assert live == []


@pytest.fixture
def bench(api: Transport, namespace: str, github: Github, clock: Clock) -> DeliveryBench:
    return DeliveryBench(api, namespace, github, clock)


def batches() -> Iterator[list[int]]:
    for start in range(0, len(SEEDS), BATCH):
        yield list(SEEDS[start : start + BATCH])


@pytest.mark.parametrize("seeds", [*batches()], ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_runs_match_the_standing_commands_after_any_history(bench: DeliveryBench, seeds: list[int]) -> None:
    for seed in seeds:
        history = History(bench, random.Random(seed))
        try:
            history.run()
            history.check()
            before = [(run.name, run.cancel) for run in bench.runs()]
            history.arrive()
            assert [(run.name, run.cancel) for run in bench.runs()] == before
        except AssertionError as error:
            raise AssertionError(f"HISTORY_SEED={seed}: {error}") from error
        for run in bench.runs():
            kind = RUNS[run.kind]
            bench.world.kubelet.patch(kind, run.namespace, run.name, {"metadata": {"finalizers": None}})
            bench.world.kubelet.delete(kind, run.namespace, run.name, run.uid)
