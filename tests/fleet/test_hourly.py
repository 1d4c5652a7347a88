"""The hourly pass: its reads, its memory, and changes while it runs. tests/life/test_retention.py has the ages."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from functions.cluster.client import Cluster
from functions.cluster.errors import NotFound
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, DOCS_RUN, VOLUME_CLAIM, Kind
from functions.cluster.transport import Request, Transport
from functions.runs import digest_set
from functions.runs.digest_set import SIZE
from functions.runs.model.run import Run
from functions.runs.retention import UNUSED_SINCE
from functions.settings.retention import RetentionSettings
from functions.sweeper import garbage, retention, workspaces
from functions.sweeper.garbage import ConfigMapGarbage
from functions.sweeper.workspaces import Workspaces
from tests.support.api import Harness
from tests.support.forwarding import ForwardingTransport
from tests.support.in_process_server import InProcessServer
from tests.support.memory import allocated_by
from tests.support.run_steps import DONE, job_event, now, run_event, submitted

WORKSPACES = RetentionSettings(workspace_days=5, delete_workspaces=True)


@pytest.fixture
def harness() -> Harness:
    """Return a harness with the server's clock, because task files have the server's creation time."""
    found = Harness(InProcessServer(), "orchestrator")
    found.now = datetime.now(UTC) + timedelta(minutes=1)
    return found


def started(harness: Harness, name: str) -> Run:
    run = submitted(harness, name=name, service=name)
    run_event(harness, run.raw, "add")
    return now(harness, run)


def finished(harness: Harness, name: str) -> Run:
    run = started(harness, name)
    harness.job_ready(run.status.job_name or "")
    job_event(harness, harness.job_ends(run.status.job_name or "", DONE))
    return now(harness, run)


def cleaned(harness: Harness, transport: Transport | None = None, page: int = 500) -> Counter[str]:
    services = replace(harness.services, cluster=Cluster(transport or harness.calls, page))
    return retention.clean_up(services)[0]


def files(harness: Harness) -> set[str]:
    """Return the names of the ConfigMaps with task files."""
    names = {item["metadata"]["name"] for item in harness.kubelet.list(CONFIG_MAP, harness.namespace)}
    return {name for name in names if not name.startswith("orchestrator-")}


@dataclass
class ConcurrentChange(ForwardingTransport):
    """A transport that calls `happens` before the first list of objects at that path."""

    path: str
    happens: Callable[[], object]
    over: bool = False

    def send(self, request: Request) -> Any:
        if not self.over and request.path == self.path:
            self.over = True
            self.happens()
        return self.inner.send(request)


# Reads --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("configured", [False, True])
def test_each_page_is_read_once_and_claims_only_if_needed(harness: Harness, configured: bool) -> None:
    if configured:
        harness.configure(retention=WORKSPACES)
    runs = [started(harness, f"run-{number}") for number in range(5)]
    harness.calls.calls.clear()
    assert cleaned(harness, page=2) == {}
    lists = Counter(path.rpartition("/")[2] for path in harness.calls.reads)
    assert lists == {
        "orchestrator-retention": 1,
        "coderuns": 3,
        "docsruns": 1,
        "configmaps": 3,
        **({"persistentvolumeclaims": 3} if configured else {}),
    }
    assert harness.calls.writes == []
    assert files(harness) == {run.status.config_map_name for run in runs}


def test_only_the_run_of_an_orphan_is_read_twice(harness: Harness) -> None:
    runs = [started(harness, f"run-{number}") for number in range(3)]
    raw = harness.kubelet.get(CODE_RUN, harness.namespace, runs[0].name)
    harness.kubelet.patch(CODE_RUN, harness.namespace, runs[0].name, {"metadata": {"finalizers": None}})
    harness.kubelet.delete(CODE_RUN, harness.namespace, runs[0].name, raw["metadata"]["uid"])
    harness.later(minutes=2)
    harness.calls.calls.clear()
    assert cleaned(harness) == {"orphans": 1}
    assert [path for path in harness.calls.reads if "coderuns/" in path] == [CODE_RUN.path("orchestrator", "run-0")]
    assert files(harness) == {run.status.config_map_name for run in runs[1:]}


# Changes while the pass runs ----------------------------------------------------------------------------------------


def test_run_created_after_runs_were_listed_keeps_its_task_files(harness: Harness) -> None:
    def made() -> None:
        started(harness, "late")
        harness.later(minutes=5)

    assert cleaned(harness, ConcurrentChange(harness.calls, CONFIG_MAP.path(harness.namespace), made)) == {}
    assert len(files(harness)) == 1


def test_attempt_started_after_its_run_was_listed_keeps_its_task_files(harness: Harness) -> None:
    run = finished(harness, "run-1")
    harness.later(days=2)

    def again() -> None:
        raw = harness.kubelet.patch(CODE_RUN, harness.namespace, run.name, {"spec": {"contextVersion": 2}})
        run_event(harness, raw)
        assert now(harness, run).status.attempt == 2

    assert cleaned(harness, ConcurrentChange(harness.calls, CONFIG_MAP.path(harness.namespace), again)) == {
        "task files": 1
    }
    assert files(harness) == {now(harness, run).status.config_map_name}


@pytest.mark.parametrize("before", [DOCS_RUN, CONFIG_MAP], ids=["before runs are listed", "after"])
def test_workspace_that_a_run_starts_to_use_meanwhile_is_kept(harness: Harness, before: Kind) -> None:
    harness.configure(retention=WORKSPACES)
    gone = finished(harness, "run-1")
    claim = gone.status.workspace_name or ""
    harness.kubelet.delete(CODE_RUN, harness.namespace, gone.name, gone.uid)
    run_event(harness, now(harness, gone).raw)
    cleaned(harness)
    assert UNUSED_SINCE in _annotations(harness, claim)
    harness.later(days=9)

    def taken() -> None:
        again = submitted(harness, name="again", service="run-1")
        run_event(harness, again.raw, "add")

    counts = cleaned(harness, ConcurrentChange(harness.calls, before.path(harness.namespace), taken))
    assert counts["workspaces"] == 0
    assert UNUSED_SINCE not in _annotations(harness, claim)


def _annotations(harness: Harness, claim: str) -> dict[str, str]:
    try:
        found: dict[str, str] = harness.kubelet.get(VOLUME_CLAIM, harness.namespace, claim)["metadata"].get(
            "annotations", {}
        )
    except NotFound:
        pytest.fail(f"the workspace {claim} was deleted")
    return found


# Memory -------------------------------------------------------------------------------------------------------------


def test_hourly_pass_keeps_at_most_20_bytes_per_run(harness: Harness) -> None:
    run, count = finished(harness, "run-1"), 20_000
    harness.later(days=2)
    passes = (ConfigMapGarbage(harness.services), Workspaces(harness.services))
    with allocated_by(digest_set, garbage, workspaces) as allocated:
        for number in range(count):
            each = replace(run, uid=str(UUID(int=number << 96)))
            for one in passes:
                one.note(each)
        kept = allocated.bytes()
    assert 2 * SIZE * count <= kept <= 20 * count, "a digest of the uid, and one of the ended attempt"
