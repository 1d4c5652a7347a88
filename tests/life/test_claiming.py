"""Requests with If-Unfinished: refuse create at most one unfinished code run per task, also with crashes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP
from functions.cluster.transport import Transport
from functions.manifests.task_claim import TASK_CLAIM, run_of
from functions.reconciler.reconciler import reconcile
from functions.serving.http import Answer
from tests.life.claim_transports import BeforeDelete, ReadBarrier, Refusing
from tests.support.api import Harness, RecordingTransport
from tests.support.builders import CODE_SPEC
from tests.support.crashing import CrashingTransport, Killed
from tests.support.in_process_server import InProcessServer
from tests.support.run_steps import JSON, post

MOST_CALLS = 20


def asks(world: Harness, key: str | None = "k1", **spec: Any) -> Answer:
    """Send a request for the task: with the key and If-Unfinished: refuse, or without both."""
    headers = JSON | ({"idempotency-key": key, "if-unfinished": "refuse"} if key else {})
    return post(world, {**CODE_SPEC, **spec}, headers, kind="CodeRun")


def through(world: Harness, transport: Transport) -> Harness:
    """Return a harness on the same server, with calls through another transport."""
    other = Harness(world.calls.inner, world.namespace)
    other.services = replace(other.services, cluster=Cluster(transport), clock=lambda: world.now)
    return other


def runs(world: Harness) -> list[str]:
    return [raw["metadata"]["name"] for raw in world.kubelet.list(CODE_RUN, world.namespace)]


def claims(world: Harness) -> list[dict[str, Any]]:
    return list(world.kubelet.list(CONFIG_MAP, world.namespace, TASK_CLAIM))


def after(world: Harness, seconds: float) -> None:
    """Set the clock to so many seconds after the creation of the only claim."""
    (claim,) = claims(world)
    world.now = datetime.fromisoformat(claim["metadata"]["creationTimestamp"])
    world.later(seconds=seconds)


def name(found: Answer) -> str:
    assert found.body
    return str(found.body["data"]["name"])


@pytest.fixture
def alone() -> Harness:
    """Return a harness on a server in this process."""
    return Harness(InProcessServer(), "orchestrator")


@pytest.mark.parametrize("keyless", [0, 1, 20])
def test_one_of_many_concurrent_requests_creates_a_run(world: Harness, keyless: int) -> None:
    many = 20
    synchronized = through(world, ReadBarrier(world.calls.inner, "coderuns", many))
    keys = [None if number < keyless else f"k{number}" for number in range(many)]
    with ThreadPoolExecutor(many) as pool:
        answers = list(pool.map(lambda key: asks(synchronized, key), keys))
    assert sorted(each.code for each in answers) == [201] + [409] * (many - 1)
    (made,) = runs(world)
    assert all(made in str(each.body) for each in answers)
    assert [run_of(each) for each in claims(world)] == [made]


def crashes(then: Callable[[Harness, bool], None]) -> int:
    """Crash the first request before and after each of its calls, then call `then`; return the number of crashes."""
    tried = 0
    for applied in (False, True):
        for at in range(MOST_CALLS):
            world = Harness(InProcessServer(), "orchestrator")
            fatal = CrashingTransport(world.calls.inner, at, applied)
            try:
                asks(through(world, fatal))
            except Killed:
                tried += 1
                then(world, bool(runs(world)))
            else:
                break
        else:
            raise AssertionError(f"the request makes more than {MOST_CALLS} calls")
    return tried


def test_request_that_crashed_at_any_call_creates_its_run_when_repeated() -> None:
    def comes_again(world: Harness, made: bool) -> None:
        assert asks(world).code == (200 if made else 201)
        assert len(runs(world)) == 1
        assert asks(world).code == 200

    assert crashes(comes_again) == 8


def test_another_request_gets_the_task_when_the_claim_of_a_crashed_one_expires() -> None:
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
    assert len(refused) == 2, "two crashes are between the creation of the claim and that of the run"


def test_repeated_request_replaces_its_own_expired_claim(alone: Harness) -> None:
    with pytest.raises(Killed):
        asks(through(alone, CrashingTransport(alone.calls.inner, 3, after=False)))
    after(alone, seconds=60)
    (old,) = claims(alone)
    assert asks(alone).code == 201
    (fresh,) = claims(alone)
    assert (run_of(fresh), fresh["metadata"]["uid"] == old["metadata"]["uid"]) == (run_of(old), False)


def test_one_of_two_requests_takes_over_an_expired_claim(world: Harness) -> None:
    with pytest.raises(Killed):
        asks(through(world, CrashingTransport(world.calls.inner, 3, after=False)))
    after(world, seconds=60)
    synchronized = through(world, ReadBarrier(world.calls.inner, "claim-", 2))
    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(lambda key: asks(synchronized, key).code, ["k2", "k3"]))
    assert (answers, len(runs(world)), len(claims(world))) == ([201, 409], 1, 1)


def test_request_that_loses_an_expired_claim_to_another_leaves_the_new_claim(alone: Harness) -> None:
    with pytest.raises(Killed):
        asks(through(alone, CrashingTransport(alone.calls.inner, 3, after=False)))
    after(alone, seconds=60)
    other: list[Answer] = []
    late = through(alone, BeforeDelete(alone.calls.inner, lambda: other.append(asks(alone, "k2"))))
    refused = asks(late, "k3")
    assert (other[0].code, refused.code, runs(alone)) == (201, 409, [name(other[0])])
    assert name(other[0]) in str(refused.body)


def test_repeated_request_makes_no_claim_once_its_run_exists(alone: Harness) -> None:
    counting = RecordingTransport(alone.calls.inner)
    counted = through(alone, counting)
    assert (asks(counted).code, counting.reads and len(counting.reads), len(counting.writes)) == (201, 2, 2)
    counting.calls.clear()
    assert (asks(counted).code, len(counting.reads), len(counting.writes)) == (200, 3, 1)


@pytest.mark.parametrize("key", ["k1", None])
def test_task_is_free_after_the_api_server_rejects_the_run(alone: Harness, key: str | None) -> None:
    assert asks(through(alone, Refusing(alone.calls.inner)), key).code == 422
    assert claims(alone) == []
    assert asks(alone, "k2").code == 201


def test_task_is_free_after_a_request_with_the_key_of_another_task(alone: Harness) -> None:
    assert asks(alone, "k1").code == 201
    assert asks(alone, "k1", taskId=4).code == 422
    assert asks(alone, "k2", taskId=4).code == 201


def test_task_is_free_after_its_run_is_deleted(alone: Harness) -> None:
    first = asks(alone)
    assert first.body
    alone.kubelet.delete(CODE_RUN, alone.namespace, name(first), first.body["data"]["uid"])
    reconcile(alone.services, "CodeRun", alone.namespace, name(first))
    assert runs(alone) == []
    assert asks(alone, "k2").code == 201
    again = asks(alone, "k1")
    assert (again.code, again.body and again.body["data"]["phase"]) == (200, "Deleted")


def test_successive_runs_of_one_task_have_separate_claims(alone: Harness) -> None:
    for number in range(3):
        first = asks(alone, f"k{number}")
        assert first.code == 201
        assert asks(alone, "other").code == 409
        alone.kubelet.patch(CODE_RUN, alone.namespace, name(first), {"spec": {"cancel": True}})
        reconcile(alone.services, "CodeRun", alone.namespace, name(first))
    assert len(claims(alone)) == 3


def test_finished_run_with_a_requested_retry_holds_the_task(alone: Harness) -> None:
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
        (own_task(PAGE), own_task(f"{PAGE}#issuecomment-7"), 409),
        (own_task(f"{PAGE}/?x"), own_task(PAGE), 409),
        (own_task(PAGE), own_task(PAGE.replace("shop", "other")), 201),
        (own_task(), own_task(), 201),
        (own_task(), own_task(PAGE), 201),
    ],
    ids=[
        "one issue",
        "its comment",
        "its URL with a query",
        "issues of the same number",
        "two prompts",
        "a prompt and an issue",
    ],
)
def test_inline_tasks_are_the_same_only_if_their_url_is(
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


def test_run_with_another_url_of_the_issue_holds_the_task_without_a_claim(alone: Harness) -> None:
    assert asks(alone, **own_task(f"{PAGE}/")).code == 201
    for claim in claims(alone):
        alone.kubelet.delete(CONFIG_MAP, alone.namespace, claim["metadata"]["name"], claim["metadata"]["uid"])
    assert asks(alone, "k2", **own_task(PAGE)).code == 409
