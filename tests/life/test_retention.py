"""What is kept, for how long, and what is left alone.

| what               | deleted                                   | kept                                       |
|--------------------|-------------------------------------------|--------------------------------------------|
| run                | 7 days (30: not succeeded) after its end  | before, unfinished, retry asked for        |
| finished runs      | the earliest, over retention.max_finished | the latest, unfinished, retry asked for    |
| task files         | a day after their attempt's end           | attempt open, run at work                  |
| tombstone          | after 7 days                              | before                                     |
| claim on a task    | after an hour                             | before                                     |
| orphan             | its run is gone, and was on a second look | its run is there, or it is younger         |
| workspace          | unused for N days, where configured       | used again, or only reported               |
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
from tests.support.run_steps import DONE, JSON, job_event, now, post, retained, run_event, submitted, swept

NOBODY = "f0000000-0000-4000-8000-000000000000"
LOST = DONE.replace("succeeded", "failed").replace("Completed", "InvalidInput")


def cleaned(world: Harness) -> dict[str, int]:
    """What the hourly pass says it did."""
    found = retained(world)
    assert found.code == 200
    assert found.body is not None
    return dict(found.body["data"])


def finished(world: Harness, name: str = "run-1", report: str = DONE) -> Run:
    run = submitted(world, name=name, service=name)
    run_event(world, run.raw, "add")
    job = now(world, run).status.job_name or ""
    world.job_ready(job)
    job_event(world, world.job_ends(job, report, ok=report == DONE))
    return now(world, run)


def there(world: Harness, kind: Kind, name: str) -> bool:
    try:
        world.kubelet.get(kind, world.namespace, name)
    except NotFound:
        return False
    return True


def test_over_the_greatest_number_the_runs_that_ended_first_are_deleted(world: Harness) -> None:
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
def test_a_run_is_deleted_so_many_days_after_its_end(world: Harness, report: str, days: int) -> None:
    run = finished(world, report=report)
    assert run.status.expire_at == run.status.finished_at + (world.later(days=days) - run.status.finished_at)  # type: ignore[operator]
    world.later(minutes=-1)
    assert "expired runs" not in cleaned(world)
    world.later(minutes=1)
    assert cleaned(world)["expired runs"] == 1
    run_event(world, now(world, run).raw)
    assert not there(world, CODE_RUN, run.name)


def test_a_run_being_deleted_whose_event_was_lost_is_released_by_the_next_pass(world: Harness) -> None:
    run = finished(world)
    world.kubelet.delete(CODE_RUN, world.namespace, run.name, run.uid)
    swept(world)
    assert there(world, CODE_RUN, run.name), "the sweep of every minute sees no finished runs"
    assert cleaned(world)["driven"] == 1
    assert not there(world, CODE_RUN, run.name)


def test_a_retry_asked_for_while_events_were_lost_is_started_and_not_deleted(world: Harness) -> None:
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


def test_task_files_go_a_day_after_their_attempt_and_not_while_it_works(world: Harness) -> None:
    ended, working = finished(world, "ended"), submitted(world, name="working")
    run_event(world, working.raw, "add")
    world.later(hours=23)
    assert cleaned(world) == {}
    world.later(hours=2)
    assert cleaned(world) == {"task files": 1}
    assert not there(world, CONFIG_MAP, ended.status.config_map_name or "")
    assert there(world, CONFIG_MAP, now(world, working).status.config_map_name or "")
    assert cleaned(world) == {}


def test_a_tombstone_goes_after_a_week(world: Harness) -> None:
    labels = {TOMBSTONE: "true", "app.kubernetes.io/managed-by": "orchestrator"}
    stone = {"metadata": {"name": "stone", "namespace": world.namespace, "labels": labels}, "data": {}}
    created = world.kubelet.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", **stone})
    _clock_is(world, created, days=6.9)
    assert cleaned(world) == {}
    _clock_is(world, created, days=7)
    assert cleaned(world) == {"tombstones": 1}


def test_a_claim_on_a_task_goes_after_an_hour(world: Harness) -> None:
    wanted = JSON | {"idempotency-key": "k1", "if-unfinished": "refuse"}
    assert post(world, CODE_SPEC, wanted, kind="CodeRun").code == 201
    (claim,) = world.kubelet.list(CONFIG_MAP, world.namespace, TASK_CLAIM)
    _clock_is(world, claim, minutes=59)
    assert cleaned(world) == {}
    _clock_is(world, claim, hours=1)
    assert cleaned(world) == {"claims": 1}
    assert post(world, CODE_SPEC, wanted | {"idempotency-key": "k2"}, kind="CodeRun").code == 409, "its run is there"


def _clock_is(world: Harness, item: dict[str, Any], **after: float) -> None:
    """Moves the clock relative to when the server says that the object was made."""
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


def test_an_orphan_goes_once_it_is_a_minute_old_and_its_run_is_gone() -> None:
    world = Harness(InProcessServer(), "orchestrator")  # its garbage collector does nothing unless it is asked to
    item = world.kubelet.create(CONFIG_MAP, _owned(world, NOBODY))
    _clock_is(world, item, seconds=50)
    assert cleaned(world) == {}
    _clock_is(world, item, seconds=61)
    assert cleaned(world) == {"orphans": 1}


def test_an_orphan_whose_run_appears_on_the_second_look_is_none(world: Harness) -> None:
    run = submitted(world)
    item = world.kubelet.create(CONFIG_MAP, _owned(world, run.uid))
    _clock_is(world, item, days=3)
    assert cleaned(world) == {}
    assert there(world, CONFIG_MAP, "left-over")


def test_what_is_deleted_was_not_changed_since_it_was_seen(world: Harness) -> None:
    run = finished(world)
    world.later(days=8)
    stale = now(world, run)
    world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"contextVersion": 2}})
    seen = stale.raw["metadata"]
    with pytest.raises(Conflict):
        world.kubelet.delete(CODE_RUN, world.namespace, run.name, seen["uid"], seen["resourceVersion"])
    assert not now(world, run).deleting


@pytest.mark.parametrize("configured", [False, True])
def test_a_workspace_no_run_names_is_reported_and_deleted_where_that_is_configured(
    world: Harness, configured: bool
) -> None:
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
def test_an_unreadable_mark_is_written_again_and_stops_no_other_chore(world: Harness, mark: str) -> None:
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


def test_a_workspace_that_is_used_again_is_not_unused_any_more(world: Harness) -> None:
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


def test_no_foreign_object_is_touched() -> None:
    world = Harness(InProcessServer(), "orchestrator")
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": NOBODY}
    labels = {"app.kubernetes.io/managed-by": "orchestrator"}
    for name, owners in (("no-owner", []), ("other-owner", [owner])):
        metadata = {"name": name, "namespace": world.namespace, "labels": labels, "ownerReferences": owners}
        world.kubelet.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    world.later(days=4000)
    assert cleaned(world) == {}
