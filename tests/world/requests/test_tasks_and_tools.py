"""CASES A15, A24, A26, S5, S10: requests for tasks, tools and models."""

import json

import pytest

from functions.cluster.kinds import CODE_RUN
from tests.support.api import Harness
from tests.support.run_steps import code_request, job_event, now, working


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
def test_unknown_tools_are_refused_with_the_available_ones(
    world: Harness, changes: dict[str, str], field: str, words: str
) -> None:
    code, errors = code_request(world, **changes)
    assert code == 400
    assert words in errors[field]
    assert list(world.kubelet.list(CODE_RUN, world.namespace)) == []


@pytest.mark.parametrize(
    ("service", "accepted"), [("user_service", "user-service"), ("Shop.API_", "shop-api"), ("__", "")]
)
def test_error_names_the_accepted_spelling_of_a_service(world: Harness, service: str, accepted: str) -> None:
    code, errors = code_request(world, service=service)
    rule = "must be lower case letters, digits and '-', starting and ending alphanumeric"
    assert (code, errors["service"]) == (400, f"{rule}; write {accepted}" if accepted else rule)


@pytest.mark.parametrize("task_id", ["1.2", "HAM-1"])
def test_task_ids_that_are_strings_are_accepted(world: Harness, task_id: str) -> None:
    assert code_request(world, taskId=task_id)[0] == 201
    (run,) = world.kubelet.list(CODE_RUN, world.namespace)
    assert run["spec"]["taskId"] == task_id
    assert run["metadata"]["labels"]["agents.platform/task-id"] == task_id
    assert code_request(world, taskId=task_id)[0] == 409, "an unfinished run holds the task"


def test_same_id_in_another_tag_is_another_task(world: Harness) -> None:
    assert [code_request(world, taskTag=tag)[0] for tag in ("a", "b")] == [201, 201]
    assert code_request(world)[0] == 201
    assert code_request(world, taskTag="a")[0] == 409
    assert len(list(world.kubelet.list(CODE_RUN, world.namespace))) == 3


MODELS = (
    "opus",
    "sonnet[1m]",
    "haiku",
    "claude-opus-4-20250514",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "claude-opus-4-1@20250805",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
)


@pytest.mark.parametrize("model", MODELS)
def test_model_aliases_and_provider_ids_are_accepted(world: Harness, model: str) -> None:
    assert code_request(world, model=model)[0] == 201


def test_status_names_the_model_that_answered(world: Harness) -> None:
    run, job = working(world)
    report = {"outcome": "failed", "reason": "CredentialRefused", "message": "refused", "model": "claude-opus-5-5"}
    job_event(world, world.job_ends(job, json.dumps(report), ok=False))
    found = now(world, run).status
    assert (found.model, found.phase) == ("claude-opus-5-5", "Failed")
