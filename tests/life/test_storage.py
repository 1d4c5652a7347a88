"""Stores on an API server write only to the version that they read."""

from contextlib import suppress

import pytest

from functions.cluster.errors import AlreadyExists, Conflict, NotFound
from functions.cluster.kinds import CONFIG_MAP, RUNS
from functions.manifests import ledger as manifest
from functions.manifests.checkpoint import Cursor
from functions.runs.admission.ledger import Ledger
from functions.runs.model.run import Run
from functions.storage.checkpoints import Checkpoint
from functions.storage.config_map_store import ConfigMapStore
from functions.storage.ledger_store import VersionedLedger
from tests.support.api import Harness
from tests.support.run_steps import submitted


def _note(world: Harness, run: Run, key: str) -> Run:
    version = {"resourceVersion": run.resource_version}
    return world.services.runs.patch(run, {"metadata": {**version, "annotations": {key: "1"}}})


def test_write_to_an_older_version_of_a_run_conflicts(world: Harness) -> None:
    run = submitted(world)
    _note(world, run, "other")
    with pytest.raises(Conflict):
        _note(world, run, "mine")
    with pytest.raises(Conflict):
        world.services.runs.write_status(run, run.status.model_copy(update={"message": "late"}))


def test_retried_work_sees_the_present_version(world: Harness) -> None:
    run = submitted(world)
    _note(world, run, "other")
    written = world.services.runs.retry_on_conflict(run, lambda run: _note(world, run, "mine"), "later")
    assert {"other", "mine"} <= written.raw["metadata"]["annotations"].keys()


def test_retry_on_conflict_raises_not_found_for_a_deleted_run(world: Harness) -> None:
    run = submitted(world)
    found = _note(world, run, "other")
    world.services.runs.patch(found, {"metadata": {"finalizers": None}})
    world.kubelet.delete(RUNS[run.kind], run.namespace, run.name, run.uid)
    with pytest.raises(NotFound):
        world.services.runs.retry_on_conflict(run, lambda run: _note(world, run, "mine"), "later")


def test_list_unfinished_leaves_out_finished_runs(world: Harness) -> None:
    kept, done = submitted(world, name="run-1"), submitted(world, "DocsRun", name="run-2")
    world.services.runs.patch(done, {"metadata": {"labels": {"agents.platform/finished": done.uid}}})
    assert [run.name for run in world.services.runs.list_unfinished()] == [kept.name]
    assert {run.name for run in world.services.runs.list()} == {kept.name, done.name}
    assert world.services.runs.find("CodeRun", world.namespace, "run-3") is None


def _config_map(world: Harness, text: str) -> dict[str, object]:
    metadata = {"name": "orchestrator-test", "namespace": world.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}}


def test_a_config_map_is_written_only_at_the_version_that_was_read(world: Harness) -> None:
    store = ConfigMapStore(world.services.cluster, world.namespace)
    assert store.find("orchestrator-test") is None
    first = store.save(None, _config_map(world, "1"))
    with pytest.raises(Conflict):
        store.save(None, _config_map(world, "another made it too"))
    second = store.save(first, _config_map(world, "2"))
    with pytest.raises(Conflict):
        store.save(first, _config_map(world, "late"))
    assert second["data"] == {"text": "2"}
    with pytest.raises(Conflict):
        store.delete(first)
    store.delete(second)
    with pytest.raises(Conflict):
        store.save(second, _config_map(world, "3"))


def test_an_unchanged_config_map_costs_no_call(world: Harness) -> None:
    store = ConfigMapStore(world.services.cluster, world.namespace)
    first = store.save(None, _config_map(world, "1"))
    world.calls.calls.clear()
    assert store.save(first, _config_map(world, "1")) == first
    assert world.calls.calls == []


def test_ledger_update_is_repeated_on_what_another_process_wrote(world: Harness) -> None:
    seen: list[str] = []

    def work(ledger: VersionedLedger) -> str:
        if not seen:
            with suppress(AlreadyExists):
                world.kubelet.create(CONFIG_MAP, manifest.new(Ledger(last_rejected="of another"), world.namespace))
        seen.append(ledger.ledger.last_rejected)
        ledger.write(Ledger(last_rejected="mine"))
        return "done"

    assert world.services.ledger.update_serialized(work) == "done"
    assert seen == ["", "of another"]
    assert world.services.ledger.read().ledger.last_rejected == "mine"


def test_only_the_first_of_two_passes_saves_the_checkpoint(world: Harness) -> None:
    store = world.services.config_maps
    first, second = (Checkpoint(store, "sweep", ["CodeRun"]) for _ in range(2))
    assert first.save(Cursor("CodeRun", "run-7"))
    assert not second.save(Cursor("CodeRun", "run-3"))
    following = Checkpoint(store, "sweep", ["CodeRun"])
    assert following.cursor == Cursor("CodeRun", "run-7")
    following.clear()
    assert Checkpoint(store, "sweep", ["CodeRun"]).cursor is None
