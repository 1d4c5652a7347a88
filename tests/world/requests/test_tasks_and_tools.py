"""CASES A15, A24, A26, S5, S10: tasks, tools and models that people ask for, at the functions."""

import json
from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC
from tests.support.run_steps import job_event, now, post, run_event, submitted


def asked(world: Harness, **changes: Any) -> tuple[int, dict[str, str]]:
    """The code of the answer, and its errors by field."""
    found = post(world, {**CODE_SPEC, **changes}, kind="CodeRun")
    assert found.body is not None
    return found.code, {error["field"]: error["message"] for error in found.body.get("errors", ())}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        (
            {"localTools": "bash,git,kubectl"},
            "localTools",
            "no local tool kubectl; the setting tools.local_servers has",
        ),
        ({"remoteTools": "github_create_issue"}, "remoteTools", "the setting tools.server_url is empty"),
    ],
)
def test_tools_that_are_not_there_are_refused(world: Harness, changes: dict[str, str], field: str, words: str) -> None:
    code, errors = asked(world, **changes)
    assert code == 400
    assert words in errors[field]
    assert list(world.kubelet.list(CODE_RUN, world.namespace)) == []


@pytest.mark.parametrize(
    ("service", "accepted"), [("user_service", "user-service"), ("Shop.API_", "shop-api"), ("__", "")]
)
def test_the_accepted_spelling_of_a_service_is_named(world: Harness, service: str, accepted: str) -> None:
    code, errors = asked(world, service=service)
    rule = "must be lower case letters, digits and '-', starting and ending alphanumeric"
    assert (code, errors["service"]) == (400, f"{rule}; write {accepted}" if accepted else rule)


@pytest.mark.parametrize("task_id", ["1.2", "HAM-1"])
def test_ids_that_are_texts_make_runs(world: Harness, task_id: str) -> None:
    assert asked(world, taskId=task_id)[0] == 201
    (run,) = world.kubelet.list(CODE_RUN, world.namespace)
    assert run["spec"]["taskId"] == task_id
    assert run["metadata"]["labels"]["agents.platform/task-id"] == task_id
    assert asked(world, taskId=task_id)[0] == 409, "an unfinished run has the task"


def test_the_same_id_of_another_tag_is_another_task(world: Harness) -> None:
    assert [asked(world, taskTag=tag)[0] for tag in ("a", "b")] == [201, 201]
    assert asked(world)[0] == 201
    assert asked(world, taskTag="a")[0] == 409
    assert len(list(world.kubelet.list(CODE_RUN, world.namespace))) == 3


@pytest.mark.parametrize("model", ["sonnet", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"])
def test_aliases_and_ids_of_providers_are_taken(world: Harness, model: str) -> None:
    assert asked(world, model=model)[0] == 201


def test_the_model_that_answered_is_in_the_status(world: Harness) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = now(world, run).status.job_name or ""
    world.job_ready(job)
    report = {"outcome": "failed", "reason": "CredentialRefused", "message": "refused", "model": "claude-opus-5-5"}
    job_event(world, world.job_ends(job, json.dumps(report), ok=False))
    found = now(world, run).status
    assert (found.model, found.phase) == ("claude-opus-5-5", "Failed")
