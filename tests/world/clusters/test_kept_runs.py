"""CASE C6: the cost of a sweep grows with the number of open runs, not with the number of kept ones.

Runs are listed from the API server's watch cache, which may lag; every action is checked against the present state.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.clients.runs.lookup import queue_position
from functions.clients.runs.target import ClusterTarget
from functions.cluster.kinds import CODE_RUN, RUNS
from functions.cluster.transport import Request
from functions.manifests.checkpoint import Cursor
from functions.reconciler import admission
from functions.runs import api_group
from functions.runs.admission.pending_queue import MAX_QUEUED
from functions.runs.model.run import Run
from functions.settings.limits import LimitSettings
from functions.storage.run_store import UNFINISHED
from functions.sweeper.scan import PagedScan
from tests.support.api import Harness
from tests.support.forwarding import ForwardingTransport
from tests.support.in_process_server import InProcessServer
from tests.support.run_steps import DONE, job_event, job_name, now, reason, run_event, submitted, swept


@dataclass
class LaggingCache(ForwardingTransport):
    """A transport to an API server whose watch cache stops following at `stop`."""

    behind: bool = False
    reverse: bool = False
    _answers: dict[str, Any] = field(default_factory=dict)

    def stop(self, world: Harness) -> None:
        """Freeze the answers of the cache."""
        for kind in RUNS.values():
            query = {"labelSelector": f"!{api_group.FINISHED}", "resourceVersion": "0"}
            path = kind.path(world.namespace)
            self._answers[path] = self.inner.send(Request("GET", path, query))
        self.behind = True

    def send(self, request: Request) -> Any:
        if request.query.get("resourceVersion") != "0":
            return self.inner.send(request)
        answer = copy.deepcopy(self._answers[request.path]) if self.behind else self.inner.send(request)
        if self.reverse:
            answer["items"].reverse()
        return answer


@pytest.fixture
def cache() -> LaggingCache:
    return LaggingCache(InProcessServer())


@pytest.fixture
def lagging(cache: LaggingCache) -> Harness:
    return Harness(cache, "kept")


def test_sweep_lists_unfinished_runs_from_the_cache_and_only_live_jobs_and_pods(world: Harness) -> None:
    world.calls.calls.clear()
    swept(world)
    queries = {call.path.rpartition("/")[2]: call.query for call in world.calls.calls}
    for plural in ("coderuns", "docsruns"):
        assert queries[plural] == {"labelSelector": "!agents.platform/finished", "resourceVersion": "0"}
    assert queries["jobs"]["fieldSelector"] == "status.successful=0"
    assert queries["pods"]["fieldSelector"] == "status.phase!=Succeeded,status.phase!=Failed"


def test_run_that_the_cache_misses_as_ended_is_not_written(lagging: Harness, cache: LaggingCache) -> None:
    run = submitted(lagging)
    run_event(lagging, run.raw, "add")
    lagging.job_ready(job_name(lagging, run))
    cache.stop(lagging)
    job_event(lagging, lagging.job_ends(job_name(lagging, run), DONE))
    version = now(lagging, run).resource_version
    lagging.calls.calls.clear()
    assert swept(lagging).code == 200
    assert (now(lagging, run).resource_version, lagging.calls.writes) == (version, [])


def test_slot_of_a_run_that_the_cache_misses_as_started_stays_reserved(lagging: Harness, cache: LaggingCache) -> None:
    lagging.configure(limits=LimitSettings(runs=1))
    first = submitted(lagging, name="first", service="first", priority=1)
    second = submitted(lagging, name="second", service="second")
    bare = lagging.kubelet.patch(CODE_RUN, first.namespace, first.name, {"metadata": {"finalizers": None}})
    cache.stop(lagging)
    run_event(lagging, bare, "add")
    assert reason(now(lagging, first)) == "Starting"
    for _ in range(2):
        swept(lagging)
        assert now(lagging, second).status.attempt is None, "two runs work, but limits.runs is 1"
    cache.behind = False
    swept(lagging)
    assert [reason(now(lagging, run)) for run in (first, second)] == ["Starting", "Queued"]


def lists(world: Harness) -> list[str]:
    """Return how runs were listed since the last call, for each list: from the cache, or at the present state."""
    queries = [call.query for call in world.calls.calls if call.method == "GET" and call.path.endswith("/coderuns")]
    assert all(query["labelSelector"] == UNFINISHED for query in queries)
    world.calls.calls.clear()
    return ["cache" if query.get("resourceVersion") == "0" else "present" for query in queries]


def starts(world: Harness, name: str, priority: int = 0) -> Run:
    """Submit a run and deliver its first event."""
    run = submitted(world, name=name, service=name, priority=priority)
    run_event(world, run.raw, "add")
    return now(world, run)


def test_runs_are_listed_for_admission_only_when_the_first_run_has_to_wait(world: Harness) -> None:
    world.configure(limits=LimitSettings(runs=1))
    swept(world)  # creates the ledger
    world.calls.calls.clear()
    first = starts(world, "first")
    assert lists(world) == []
    queued = [starts(world, "second", priority=1)]
    assert lists(world) == ["cache", "present"]
    queued.append(starts(world, "third"))
    assert lists(world) == []
    world.job_ready(job_name(world, first))
    job_event(world, world.job_ends(job_name(world, first), DONE))
    assert lists(world) == []
    assert [reason(now(world, run)) for run in queued] == ["Starting", "Queued"]
    assert lists(world) == []
    swept(world)
    assert lists(world) == ["cache"]
    found = queue_position(ClusterTarget(world.services.cluster, world.namespace), now(world, queued[1]))
    assert (str(found), lists(world)) == ("1 of 1", ["cache"])


def test_queued_run_that_the_cache_does_not_list_keeps_its_position(lagging: Harness, cache: LaggingCache) -> None:
    lagging.configure(limits=LimitSettings(runs=1))
    swept(lagging)
    first = starts(lagging, "first")
    cache.stop(lagging)
    second = starts(lagging, "second")
    stored = lagging.services.ledger.read()
    admission.admit_all(lagging.services, stored)
    assert [queued.uid for queued in lagging.services.ledger.read().ledger.pending.head] == [second.uid]
    assert [*lagging.services.ledger.read().ledger.entries] == [first.uid]


def test_runs_are_listed_at_the_present_state_when_more_wait_than_the_ledger_names(world: Harness) -> None:
    world.configure(limits=LimitSettings(runs=1))
    swept(world)
    for number in range(MAX_QUEUED + 2):
        starts(world, f"run-{number}")
    stored = world.services.ledger.read()
    assert stored.ledger.pending.truncated
    lists(world)
    admission.admit_all(world.services, stored)
    assert lists(world) == ["present"]


def test_deleted_run_that_the_cache_still_lists_is_no_error(lagging: Harness, cache: LaggingCache) -> None:
    run = submitted(lagging)
    lagging.kubelet.patch(CODE_RUN, run.namespace, run.name, {"metadata": {"finalizers": None}})
    cache.stop(lagging)
    lagging.kubelet.delete(CODE_RUN, run.namespace, run.name, run.uid)
    found = swept(lagging).body
    assert found
    assert found["data"]["failed"] == []


def test_run_that_the_cache_does_not_list_yet_is_started_by_the_next_sweep(
    lagging: Harness, cache: LaggingCache
) -> None:
    cache.stop(lagging)
    run = submitted(lagging)
    swept(lagging)
    assert now(lagging, run).status.attempt is None
    cache.behind = False
    swept(lagging)
    assert now(lagging, run).status.attempt == 1


def test_unordered_list_skips_no_run(lagging: Harness, cache: LaggingCache) -> None:
    """API servers before Kubernetes 1.27 list in any order; an interrupted pass continues after a name."""
    cache.reverse = True
    names = ["a", "b", "c"]
    for name in names:
        submitted(lagging, name=name, service=name)
    scan = PagedScan(lagging.services, [CODE_RUN], Cursor("CodeRun", "a"), labels=UNFINISHED, cached=True)
    assert [raw["metadata"]["name"] for raw in scan] == names[1:]


def test_kept_runs_cost_no_calls(world: Harness) -> None:
    def calls() -> int:
        world.calls.calls.clear()
        swept(world)
        return len(world.calls.calls)

    for name in ("x", "y", "z"):
        opened = submitted(world, name=name, service=name)
        run_event(world, opened.raw, "add")
        world.job_ready(job_name(world, opened))
    swept(world)
    before = calls()
    for number in range(300):
        kept = submitted(world, name=f"kept-{number}", service=f"s{number}")
        world.kubelet.patch(
            CODE_RUN, kept.namespace, kept.name, {"metadata": {"labels": {api_group.FINISHED: kept.uid}}}
        )
    assert calls() == before
