"""The hourly pass deletes old objects.

| object             | deleted                                        | kept                                    |
|--------------------|------------------------------------------------|-----------------------------------------|
| run                | 7 days (30: not succeeded) after its end       | unfinished, or a retry is requested     |
| finished runs      | the earliest ones above retention.max_finished | unfinished, or a retry is requested     |
| task files         | a day after the end of their attempt           | of an open attempt                      |
| tombstone          | after 7 days                                   |                                         |
| task claim         | after an hour                                  |                                         |
| orphan             | its run does not exist, on a second read too   | younger than a minute, or its run exists|
| workspace          | unused for the configured days                 | used again, or deletion not configured  |
"""

from typing import Any

import pytest

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, VOLUME_CLAIM, Kind
from functions.manifests.task_claim import TASK_CLAIM
from functions.manifests.tombstone import TOMBSTONE
from functions.runs import api_group
from functions.runs.model.run import Run
from functions.runs.retention import UNUSED_SINCE
from functions.settings.retention import RetentionSettings
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC
from tests.support.in_process_server import InProcessServer
from tests.support.run_steps import (
    DONE,
    JSON,
    job_event,
    now,
    post,
    retained,
    run_event,
    submitted,
    swept,
    working,
)

MISSING_UID = "f0000000-0000-4000-8000-000000000000"
LOST = DONE.replace("succeeded", "failed").replace("Completed", "InvalidInput")


def cleaned(world: Harness) -> dict[str, int]:
    """Run the hourly pass and return its counts."""
    found = retained(world)
    assert found.code == 200
    assert found.body is not None
    return dict(found.body["data"])


def finished(world: Harness, name: str = "run-1", report: str = DONE) -> Run:
    run, job = working(world, name=name, service=name)
    job_event(world, world.job_ends(job, report, ok=report == DONE))
    return now(world, run)


def there(world: Harness, kind: Kind, name: str) -> bool:
    try:
        world.kubelet.get(kind, world.namespace, name)
    except NotFound:
        return False
    return True


def test_runs_that_ended_first_are_deleted_above_max_finished(world: Harness) -> None:
    world.configure(retention=RetentionSettings(max_finished=2))
    runs = []
    for name in ("d", "a", "c", "b"):
        world.later(minutes=1)
        runs.append(finished(world, name))
    again = finished(world, "again", LOST)
    world.kubelet.patch(CODE_RUN, world.namespace, again.name, {"spec": {"contextVersion": 2}})
    unfinished = submitted(world, name="unfinished", service="unfinished")
    assert cleaned(world)["runs above max_finished"] == 2
    for run in runs:
        run_event(world, now(world, run).raw) if there(world, CODE_RUN, run.name) else None
    left = [run.name for run in (*runs, again, unfinished) if there(world, CODE_RUN, run.name)]
    assert left == ["c", "b", "again", "unfinished"]
    assert "runs above max_finished" not in cleaned(world)


@pytest.mark.parametrize(("report", "days"), [(DONE, 7), (LOST, 30)])
def test_run_is_deleted_7_or_30_days_after_its_end(world: Harness, report: str, days: int) -> None:
    run = finished(world, report=report)
    assert run.status.expire_at == run.status.finished_at + (world.later(days=days) - run.status.finished_at)  # type: ignore[operator]
    world.later(minutes=-1)
    assert "expired runs" not in cleaned(world)
    world.later(minutes=1)
    assert cleaned(world)["expired runs"] == 1
    run_event(world, now(world, run).raw)
    assert not there(world, CODE_RUN, run.name)


def test_hourly_pass_releases_a_deleted_run_whose_event_was_lost(world: Harness) -> None:
    run = finished(world)
    world.kubelet.delete(CODE_RUN, world.namespace, run.name, run.uid)
    swept(world)
    assert there(world, CODE_RUN, run.name), "the sweep of each minute reads no finished runs"
    assert cleaned(world)["driven"] == 1
    assert not there(world, CODE_RUN, run.name)


def test_hourly_pass_starts_a_requested_retry_whose_event_was_lost(world: Harness) -> None:
    run = finished(world)
    world.later(days=8)
    world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"contextVersion": 2}})
    assert cleaned(world) == {"driven": 1, "task files": 1}
    assert now(world, run).status.attempt == 2


def test_an_unfinished_run_is_kept_however_old(world: Harness) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    world.later(days=400)
    assert cleaned(world) == {}
    assert there(world, CODE_RUN, run.name)


def test_task_files_are_deleted_a_day_after_their_attempt_ended(world: Harness) -> None:
    ended, working = finished(world, "ended"), submitted(world, name="working")
    run_event(world, working.raw, "add")
    world.later(hours=23)
    assert cleaned(world) == {}
    world.later(hours=2)
    assert cleaned(world) == {"task files": 1}
    assert not there(world, CONFIG_MAP, ended.status.config_map_name or "")
    assert there(world, CONFIG_MAP, now(world, working).status.config_map_name or "")
    assert cleaned(world) == {}


def test_tombstone_is_deleted_after_a_week(world: Harness) -> None:
    labels = {TOMBSTONE: "true", "app.kubernetes.io/managed-by": "orchestrator"}
    stone = {"metadata": {"name": "stone", "namespace": world.namespace, "labels": labels}, "data": {}}
    created = world.kubelet.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", **stone})
    _clock_is(world, created, days=6.9)
    assert cleaned(world) == {}
    _clock_is(world, created, days=7)
    assert cleaned(world) == {"tombstones": 1}


def test_task_claim_is_deleted_after_an_hour(world: Harness) -> None:
    wanted = JSON | {"idempotency-key": "k1", "if-unfinished": "refuse"}
    assert post(world, CODE_SPEC, wanted, kind="CodeRun").code == 201
    (claim,) = world.kubelet.list(CONFIG_MAP, world.namespace, TASK_CLAIM)
    _clock_is(world, claim, minutes=59)
    assert cleaned(world) == {}
    _clock_is(world, claim, hours=1)
    assert cleaned(world) == {"claims": 1}
    assert post(world, CODE_SPEC, wanted | {"idempotency-key": "k2"}, kind="CodeRun").code == 409, (
        "its run is unfinished"
    )


def _clock_is(world: Harness, item: dict[str, Any], **after: float) -> None:
    """Set the clock relative to the object's creation, as the server recorded it."""
    world.now = type(world.now).fromisoformat(item["metadata"]["creationTimestamp"])
    world.later(**after)


def _owned(world: Harness, uid: str) -> dict[str, Any]:
    owner = {"apiVersion": api_group.API_VERSION, "kind": "CodeRun", "name": "run-1", "uid": uid, "controller": True}
    metadata = {
        "name": "left-over",
        "namespace": world.namespace,
        "labels": {"app.kubernetes.io/managed-by": "orchestrator"},
        "ownerReferences": [owner],
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def test_orphan_is_deleted_once_it_is_a_minute_old() -> None:
    world = Harness(InProcessServer(), "orchestrator")  # its garbage collector runs only on request
    item = world.kubelet.create(CONFIG_MAP, _owned(world, MISSING_UID))
    _clock_is(world, item, seconds=50)
    assert cleaned(world) == {}
    _clock_is(world, item, seconds=61)
    assert cleaned(world) == {"orphans": 1}


def test_object_whose_run_exists_on_the_second_read_is_kept(world: Harness) -> None:
    run = submitted(world)
    item = world.kubelet.create(CONFIG_MAP, _owned(world, run.uid))
    _clock_is(world, item, days=3)
    assert cleaned(world) == {}
    assert there(world, CONFIG_MAP, "left-over")


def test_deletion_of_an_older_version_of_a_run_conflicts(world: Harness) -> None:
    run = finished(world)
    world.later(days=8)
    stale = now(world, run)
    world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"contextVersion": 2}})
    seen = stale.raw["metadata"]
    with pytest.raises(Conflict):
        world.kubelet.delete(CODE_RUN, world.namespace, run.name, seen["uid"], seen["resourceVersion"])
    assert not now(world, run).deleting


@pytest.mark.parametrize("configured", [False, True])
def test_unused_workspace_is_reported_and_deleted_if_configured(world: Harness, configured: bool) -> None:
    world.configure(retention=RetentionSettings(workspace_days=5, delete_workspaces=configured))
    run = finished(world)
    claim = run.status.workspace_name or ""
    assert cleaned(world) == {}
    world.kubelet.delete(CODE_RUN, world.namespace, run.name, run.uid)
    run_event(world, now(world, run).raw)
    due = {"unused workspaces": 1, "workspaces": 1} if configured else {"unused workspaces": 1}
    for days, counts in ((0, {}), (4.9, {}), (0.2, due)):
        world.later(days=days)
        assert cleaned(world) == counts
    assert there(world, VOLUME_CLAIM, claim) is not configured


@pytest.mark.parametrize("mark", ["yesterday", "2026-01-02T03:04:05", ""])
def test_unreadable_unused_since_annotation_is_written_again(world: Harness, mark: str) -> None:
    world.configure(retention=RetentionSettings(workspace_days=5))
    run = finished(world)
    claim = run.status.workspace_name or ""
    world.kubelet.patch(VOLUME_CLAIM, world.namespace, claim, {"metadata": {"annotations": {UNUSED_SINCE: mark}}})
    world.kubelet.delete(CODE_RUN, world.namespace, run.name, run.uid)
    run_event(world, now(world, run).raw)
    assert cleaned(world) == {}
    world.later(days=5)
    assert cleaned(world) == {"unused workspaces": 1}


def test_a_run_cancelled_before_its_start_expires_whatever_its_context_version(world: Harness) -> None:
    run = submitted(world, contextVersion=2, cancel=True)
    run_event(world, run.raw, "add")
    assert now(world, run).status.phase == "Cancelled"
    world.later(days=31)
    assert cleaned(world) == {"expired runs": 1}


def test_workspace_that_is_used_again_is_kept(world: Harness) -> None:
    world.configure(retention=RetentionSettings(workspace_days=5, delete_workspaces=True))
    run = finished(world)
    world.kubelet.delete(CODE_RUN, world.namespace, run.name, run.uid)
    run_event(world, now(world, run).raw)
    cleaned(world)
    again = submitted(world, name="again", service="run-1")
    run_event(world, again.raw, "add")
    cleaned(world)
    world.later(days=9)
    assert cleaned(world) == {}
    assert there(world, VOLUME_CLAIM, now(world, again).status.workspace_name or "")


def test_objects_without_an_owning_run_are_kept() -> None:
    world = Harness(InProcessServer(), "orchestrator")
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": MISSING_UID}
    labels = {"app.kubernetes.io/managed-by": "orchestrator"}
    for name, owners in (("no-owner", []), ("other-owner", [owner])):
        metadata = {"name": name, "namespace": world.namespace, "labels": labels, "ownerReferences": owners}
        world.kubelet.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    world.later(days=4000)
    assert cleaned(world) == {}
