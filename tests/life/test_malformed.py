"""Runs that were stored before the CRD's rules became stricter fail or are deleted one by one; other runs continue."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cluster.errors import Invalid, NotFound
from functions.cluster.kinds import CODE_RUN
from functions.handlers import reconcile, submit_code, sweep
from functions.manifests import crds
from functions.runs import api_group
from functions.runs.model import naming
from functions.runs.model.run import parse
from functions.runs.model.specs import SPECS
from functions.serving.http import Request, answer
from tests.support.api import Harness, api_server, transport
from tests.support.builders import CODE_SPEC
from tests.support.run_steps import event, submitted

LOOSE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
BROKEN: dict[str, Any] = {**CODE_SPEC, "service": "Not A Label", "taskId": "three", "surprise": {"a": [1]}}


def loose_definitions(folder: Path) -> Path:
    """Write CRDs that accept any spec, as an older version might have, and return their folder."""
    folder.mkdir()
    for spec in SPECS.values():
        definition = crds.crd(spec)
        properties = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        properties["spec"] = LOOSE
        (folder / f"{spec.kind.plural}.yaml").write_text(yaml.safe_dump(definition))
    return folder


def stored(name: str, namespace: str, spec: Any, *, finalizers: list[str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "finalizers": finalizers}
    return {"apiVersion": api_group.API_VERSION, "kind": "CodeRun", "metadata": metadata, "spec": spec}


def test_run_that_violates_stricter_rules_does_not_stop_other_runs(tmp_path: Path) -> None:
    database = tmp_path / "state.sqlite"
    with api_server(database, loose_definitions(tmp_path / "loose")) as url:
        before = Harness(transport(url, tmp_path), "strict")
        for name in ("delete-me", "leave-me"):
            item = stored(name, "strict", BROKEN, finalizers=[api_group.FINALIZER])
            before.kubelet.create(CODE_RUN, item)
    with api_server(database) as url:
        world = Harness(transport(url, tmp_path), "strict")
        fine = submitted(world)
        broken = world.kubelet.get(CODE_RUN, "strict", "delete-me")
        with pytest.raises(Invalid):
            world.kubelet.patch(CODE_RUN, "strict", "delete-me", {"metadata": {"finalizers": []}})
        world.kubelet.delete(CODE_RUN, "strict", "delete-me", broken["metadata"]["uid"])
        gone = world.kubelet.get(CODE_RUN, "strict", "delete-me")
        assert answer(lambda request: reconcile.handle(world.services, request), event(gone)).code == 204
        with pytest.raises(NotFound):
            world.kubelet.get(CODE_RUN, "strict", "delete-me")
        swept = answer(lambda request: sweep.handle(world.services, request), Request({}, b""))
        assert swept.body
        assert swept.body["data"]["failed"] == ["strict/leave-me"]
        assert len(world.jobs()) == 1
        assert parse(world.kubelet.get(CODE_RUN, "strict", fine.name)).status.attempt == 1
        names = [raw["metadata"]["name"] for raw in world.kubelet.list(CODE_RUN, "strict")]
        assert sorted(names) == ["leave-me", fine.name], "the invalid run is still listed"


@pytest.mark.parametrize("task", ["a text", ["a list"], 1])
def test_run_with_an_invalid_task_does_not_stop_a_request_for_the_same_task(tmp_path: Path, task: Any) -> None:
    with api_server(tmp_path / "state.sqlite", loose_definitions(tmp_path / "loose")) as url:
        world = Harness(transport(url, tmp_path), "strict")
        item = stored("old", "strict", {**CODE_SPEC, "task": task}, finalizers=[])
        item["metadata"]["labels"] = naming.run_labels(SPECS["CodeRun"].model_validate(CODE_SPEC))
        world.kubelet.create(CODE_RUN, item)
        request = Request({"content-type": "application/json"}, json.dumps(dict(CODE_SPEC)).encode())
        assert answer(lambda each: submit_code.handle(world.services, each), request).code == 201
