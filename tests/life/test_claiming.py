"""Code runs that are wanted only where no other unfinished one has their task: at once, and with crashes on the way.

| requests for one task, each with a key of its own     | result                                                |
|-------------------------------------------------------|-------------------------------------------------------|
| 20 that all see no other run                          | one run; the others are refused, naming it            |
| one with a key, one without, at once                  | one run                                               |
| dies at any call; comes again                         | its run, once                                         |
| dies at any call; another one comes / comes later     | never two runs / the other's, and the first is refused|
| two find the claim of a dead one                      | one takes it over                                     |
| comes again after its run was made                    | no call more than without a claim                     |
| its run was refused by the API server, or deleted     | the task is free at once                              |
| the key belongs to another task                       | refused; the task is free                             |
| the task had runs before, or one is to be tried again | each has its turn; refused                            |
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from threading import Barrier
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.errors import Invalid
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP
from functions.cluster.transport import Request, Transport
from functions.manifests.task_claim import TASK_CLAIM, run_of
from functions.reconciler.reconciler import reconcile
from functions.serving.http import Answer
from tests.support.api import Harness, RecordingTransport
from tests.support.builders import CODE_SPEC
from tests.support.crashing import CrashingTransport, Killed
from tests.support.in_process_server import InProcessServer
from tests.support.run_steps import JSON, post

MOST_CALLS = 20


def asks(world: Harness, key: str | None = "k1", **spec: Any) -> Answer:
    """A request that wants to be alone, with that key or without one."""
    headers = JSON | ({"idempotency-key": key, "if-unfinished": "refuse"} if key else {})
    return post(world, {**CODE_SPEC, **spec}, headers, kind="CodeRun")


def over(world: Harness, transport: Transport) -> Harness:
    """The same functions over another transport to the same server."""
    other = Harness(world.calls.inner, world.namespace)
    other.services = replace(other.services, cluster=Cluster(transport), clock=lambda: world.now)
    return other


def runs(world: Harness) -> list[str]:
    return [raw["metadata"]["name"] for raw in world.kubelet.list(CODE_RUN, world.namespace)]


def claims(world: Harness) -> list[dict[str, Any]]:
    return list(world.kubelet.list(CONFIG_MAP, world.namespace, TASK_CLAIM))


def after(world: Harness, seconds: float) -> None:
    """Moves the clock to so long after the only claim was made, by the server's clock."""
    (claim,) = claims(world)
    world.now = datetime.fromisoformat(claim["metadata"]["creationTimestamp"])
    world.later(seconds=seconds)


def name(found: Answer) -> str:
    assert found.body
    return str(found.body["data"]["name"])


@pytest.fixture
def alone() -> Harness:
    """A server in this process, by whose clock it is."""
    return Harness(InProcessServer(), "orchestrator")


@dataclass
class Meeting:
    """Make every reader of `what` wait until all have read it, so that all see the same; once."""

    inner: Transport
    what: str
    many: int

    def __post_init__(self) -> None:
        self._barrier, self._arrived = Barrier(self.many), count()

    def send(self, request: Request) -> Any:
        found = self.inner.send(request)
        read = request.path.rsplit("/", 1)[-1] if request.method == "GET" else ""
        if read.startswith(self.what) and next(self._arrived) < self.many:
            self._barrier.wait(timeout=60)
        return found

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)


@pytest.mark.parametrize("keyless", [0, 1, 20])
def test_of_many_that_see_no_other_run_one_makes_its_own(world: Harness, keyless: int) -> None:
    many = 20
    met = over(world, Meeting(world.calls.inner, "coderuns", many))
    keys = [None if number < keyless else f"k{number}" for number in range(many)]
    with ThreadPoolExecutor(many) as pool:
        answers = list(pool.map(lambda key: asks(met, key), keys))
    assert sorted(each.code for each in answers) == [201] + [409] * (many - 1)
    (made,) = runs(world)
    assert all(made in str(each.body) for each in answers)
    assert [run_of(each) for each in claims(world)] == [made]


def crashes(then: Callable[[Harness, bool], None]) -> int:
    """Kills the first request at each of its calls, before and after it was applied; how often."""
    tried = 0
    for applied in (False, True):
        for at in range(MOST_CALLS):
            world = Harness(InProcessServer(), "orchestrator")
            fatal = CrashingTransport(world.calls.inner, at, applied)
            try:
                asks(over(world, fatal))
            except Killed:
                tried += 1
                then(world, bool(runs(world)))
            else:
                break
        else:
            raise AssertionError("every call was fatal")
    return tried


def test_who_dies_at_any_call_goes_on_when_the_request_comes_again() -> None:
    def comes_again(world: Harness, made: bool) -> None:
        assert asks(world).code == (200 if made else 201)
        assert len(runs(world)) == 1
        assert asks(world).code == 200

    assert crashes(comes_again) == 8


def test_another_request_waits_for_who_died_and_then_has_the_task() -> None:
    refused: list[str] = []

    def another_comes(world: Harness, made: bool) -> None:
        claimed = bool(claims(world))
        first = asks(world, "k2")
        assert first.code == (409 if claimed else 201)
        if not claimed or made:
            return
        assert run_of(claims(world)[0]) in str(first.body)
        after(world, seconds=59)
        assert asks(world, "k2").code == 409
        after(world, seconds=60)
        assert asks(world, "k2").code == 201
        again = asks(world)
        assert (again.code, len(runs(world))) == (409, 1)
        refused.append(str(again.body))

    assert crashes(another_comes) == 8
    assert len(refused) == 2, "dead after the claim was made, and before the run was"


def test_one_that_died_with_an_old_claim_takes_it_over_from_itself(alone: Harness) -> None:
    with pytest.raises(Killed):
        asks(over(alone, CrashingTransport(alone.calls.inner, 3, after=False)))
    after(alone, seconds=60)
    (old,) = claims(alone)
    assert asks(alone).code == 201
    (fresh,) = claims(alone)
    assert (run_of(fresh), fresh["metadata"]["uid"] == old["metadata"]["uid"]) == (run_of(old), False)


def test_of_two_who_find_the_claim_of_a_dead_one_one_takes_it_over(world: Harness) -> None:
    with pytest.raises(Killed):
        asks(over(world, CrashingTransport(world.calls.inner, 3, after=False)))
    after(world, seconds=60)
    met = over(world, Meeting(world.calls.inner, "claim-", 2))
    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(lambda key: asks(met, key).code, ["k2", "k3"]))
    assert (answers, len(runs(world)), len(claims(world))) == ([201, 409], 1, 1)


@dataclass
class Overtaken:
    """Another process acts before the first deletion of this one arrives."""

    inner: Transport
    happens: Callable[[], object]

    def send(self, request: Request) -> Any:
        if request.method == "DELETE":
            happens, self.happens = self.happens, lambda: None
            happens()
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)


def test_who_is_overtaken_while_taking_over_leaves_the_claim_of_the_other(alone: Harness) -> None:
    with pytest.raises(Killed):
        asks(over(alone, CrashingTransport(alone.calls.inner, 3, after=False)))
    after(alone, seconds=60)
    other: list[Answer] = []
    late = over(alone, Overtaken(alone.calls.inner, lambda: other.append(asks(alone, "k2"))))
    refused = asks(late, "k3")
    assert (other[0].code, refused.code, runs(alone)) == (201, 409, [name(other[0])])
    assert name(other[0]) in str(refused.body)


def test_what_was_made_costs_a_repeat_no_claim(alone: Harness) -> None:
    counting = RecordingTransport(alone.calls.inner)
    counted = over(alone, counting)
    assert (asks(counted).code, counting.reads and len(counting.reads), len(counting.writes)) == (201, 2, 2)
    counting.calls.clear()
    assert (asks(counted).code, len(counting.reads), len(counting.writes)) == (200, 3, 1)


@dataclass
class Refusing:
    """An API server that takes no run."""

    inner: Transport

    def send(self, request: Request) -> Any:
        if request.method == "POST" and request.path.endswith("/coderuns"):
            raise Invalid("no such run", [("spec", "is refused")])
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)


@pytest.mark.parametrize("key", ["k1", None])
def test_a_run_that_the_api_server_refuses_leaves_the_task_free(alone: Harness, key: str | None) -> None:
    assert asks(over(alone, Refusing(alone.calls.inner)), key).code == 422
    assert claims(alone) == []
    assert asks(alone, "k2").code == 201


def test_a_key_of_another_task_leaves_the_task_free(alone: Harness) -> None:
    assert asks(alone, "k1").code == 201
    assert asks(alone, "k1", taskId=4).code == 422
    assert asks(alone, "k2", taskId=4).code == 201


def test_a_run_that_was_deleted_leaves_the_task_free(alone: Harness) -> None:
    first = asks(alone)
    assert first.body
    alone.kubelet.delete(CODE_RUN, alone.namespace, name(first), first.body["data"]["uid"])
    reconcile(alone.services, "CodeRun", alone.namespace, name(first))
    assert runs(alone) == []
    assert asks(alone, "k2").code == 201
    again = asks(alone, "k1")
    assert (again.code, again.body and again.body["data"]["phase"]) == (200, "Deleted")


def test_each_turn_of_a_task_is_claimed_for_itself(alone: Harness) -> None:
    for number in range(3):
        first = asks(alone, f"k{number}")
        assert first.code == 201
        assert asks(alone, "other").code == 409
        alone.kubelet.patch(CODE_RUN, alone.namespace, name(first), {"spec": {"cancel": True}})
        reconcile(alone.services, "CodeRun", alone.namespace, name(first))
    assert len(claims(alone)) == 3


def test_a_finished_run_that_is_to_be_tried_again_has_the_task(alone: Harness) -> None:
    first = asks(alone)
    alone.kubelet.patch(CODE_RUN, alone.namespace, name(first), {"spec": {"cancel": True}})
    reconcile(alone.services, "CodeRun", alone.namespace, name(first))
    change = {"spec": {"cancel": None, "contextVersion": 2}}
    alone.kubelet.patch(CODE_RUN, alone.namespace, name(first), change)
    found = asks(alone, "k2")
    assert (found.code, name(first) in str(found.body)) == (409, True)


def own_task(url: str | None = None) -> dict[str, Any]:
    return {"taskId": None, "task": {"title": "Mend it", "text": "Now.", **({"url": url} if url else {})}}


PAGE = "https://github.com/acme/shop/issues/12"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (own_task(PAGE), own_task(PAGE), 409),
        (own_task(PAGE), own_task(PAGE.replace("shop", "other")), 201),
        (own_task(), own_task(), 201),
        (own_task(), own_task(PAGE), 201),
    ],
    ids=["one issue", "issues of the same number", "two prompts", "a prompt and an issue"],
)
def test_a_task_of_ones_own_is_the_same_if_its_page_is(
    world: Harness, first: dict[str, Any], second: dict[str, Any], code: int
) -> None:
    for key in (None, "k2"):
        made = [asks(world, key and f"{key}{at}", **spec) for at, spec in enumerate((first, second))]
        assert [answer.code for answer in made] == [201, code]
        for name in runs(world):
            world.kubelet.patch(CODE_RUN, world.namespace, name, {"metadata": {"finalizers": None}})
            raw = world.kubelet.get(CODE_RUN, world.namespace, name)
            world.kubelet.delete(CODE_RUN, world.namespace, name, raw["metadata"]["uid"])
        for claim in claims(world):
            name, uid = claim["metadata"]["name"], claim["metadata"]["uid"]
            world.kubelet.delete(CONFIG_MAP, world.namespace, name, uid)
