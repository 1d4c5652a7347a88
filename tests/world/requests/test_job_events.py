"""K19: a watch event on a Job that no API server wrote is acknowledged with a line in the log, and changes nothing."""

import logging
from functools import partial
from typing import Any

import pytest

from functions.handlers import job_finished
from functions.runs import api_group
from functions.serving.http import answer
from tests.support.api import World
from tests.support.run_steps import event

OWNER = {"apiVersion": api_group.API_VERSION, "kind": "CodeRun", "name": "run-1", "uid": "u"}
OWNERS: list[Any] = [
    {},
    7,
    "run-1",
    True,
    [7],
    [None],
    ["run-1"],
    [[OWNER]],
    [{**OWNER, "kind": ["CodeRun"]}],
    [{**OWNER, "kind": {}}],
    [{**OWNER, "name": 7}],
    [{**OWNER, "uid": {"a": 1}}],
    [{**OWNER, "apiVersion": {}}],
]


@pytest.mark.parametrize("owners", OWNERS, ids=str)
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_strange_owner_references_are_acknowledged(
    world: World, caplog: pytest.LogCaptureFixture, owners: Any, verb: str
) -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job-1", "namespace": world.namespace, "uid": "j", "ownerReferences": owners},
        "status": {"conditions": [{"type": "Complete", "status": "True"}]},
    }
    with caplog.at_level(logging.INFO, "orchestrator"):
        assert answer(partial(job_finished.handle, world.services), event(job, verb)).code == 204
    assert world.calls.calls == []
    assert any(line.startswith(("ignored", "refused")) for line in caplog.messages)
