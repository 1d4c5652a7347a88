"""A request creates one run before it is answered; a rejected request creates no object."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN, DOCS_RUN
from functions.events.pubsub_binding import SUBSCRIPTION
from functions.reconciler.reconciler import reconcile
from functions.runs import api_group
from functions.serving.edge import LARGEST_BODY
from functions.settings.auth import AuthSettings
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.run_steps import JSON, post

EVENT = {"ce-id": "1", "ce-source": "/ci", "ce-specversion": "1.0", "ce-type": "platform.agents.docs.requested.v1"}


def test_a_spec_becomes_a_run_with_finalizer_and_labels(world: Harness) -> None:
    found = post(world, CODE_SPEC, kind="CodeRun")
    assert (found.code, found.body and found.body["success"]) == (201, True)
    (run,) = world.runs()
    assert found.body
    assert found.body["data"]["name"] == run["metadata"]["name"]
    assert run["metadata"]["finalizers"] == [api_group.FINALIZER]
    assert run["metadata"]["labels"]["agents.platform/agent"] == "rex"
    assert run["spec"]["branch"] == "main"


def test_the_same_key_gives_the_same_run_and_the_same_answer(world: Harness) -> None:
    headers = JSON | {"idempotency-key": "k1"}
    first, second = post(world, DOCS_SPEC, headers), post(world, DOCS_SPEC, headers)
    assert (first.code, second.code) == (201, 200)
    assert first.body
    assert second.body
    assert first.body["data"] == second.body["data"]
    assert len(world.runs()) == 1


def test_concurrent_requests_with_one_key_create_one_run(world: Harness) -> None:
    headers = JSON | {"idempotency-key": "k1"}
    with ThreadPoolExecutor(10) as pool:
        codes = sorted(found.code for found in pool.map(lambda _: post(world, DOCS_SPEC, headers), range(10)))
    assert codes == [200] * 9 + [201]
    assert len(world.runs()) == 1


def test_the_same_key_with_another_body_is_refused(world: Harness) -> None:
    headers = JSON | {"idempotency-key": "k1"}
    post(world, DOCS_SPEC, headers)
    found = post(world, {**DOCS_SPEC, "sourceBranch": "other"}, headers)
    assert found.body
    assert (found.code, found.body["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert len(world.runs()) == 1


def test_repeated_event_id_with_other_data_is_refused_naming_the_id(world: Harness) -> None:
    post(world, DOCS_SPEC, EVENT)
    found = post(world, {**DOCS_SPEC, "sourceBranch": "other"}, EVENT)
    assert found.body
    assert (found.code, found.body["errors"][0]["field"]) == (422, "id")


def test_redelivered_event_creates_no_second_run_even_after_the_first_was_deleted(world: Harness) -> None:
    first = post(world, DOCS_SPEC, EVENT)
    assert first.body
    name = first.body["data"]["name"]
    world.kubelet.delete(DOCS_RUN, world.namespace, name, first.body["data"]["uid"])
    reconcile(world.services, "DocsRun", world.namespace, name)
    assert world.runs() == []
    again = post(world, DOCS_SPEC, EVENT)
    assert again.body
    assert (again.code, again.body["data"]["uid"]) == (200, first.body["data"]["uid"])
    assert world.runs() == []


def test_request_for_the_task_of_an_unfinished_code_run_is_refused_naming_the_run(world: Harness) -> None:
    first = post(world, CODE_SPEC, kind="CodeRun")
    second = post(world, CODE_SPEC, kind="CodeRun")
    assert first.body
    assert second.body
    assert second.code == 409
    assert first.body["data"]["name"] in second.body["message"]
    assert post(world, {**CODE_SPEC, "taskId": 4}, kind="CodeRun").code == 201
    assert post(world, {**CODE_SPEC, "githubApp": "5DLabs-Tess"}, kind="CodeRun").code == 201


ONCE = JSON | {"if-unfinished": "refuse"}
"""Headers of a client that uses keys only to recognize its own retries."""


def test_if_unfinished_refuses_a_second_run_of_the_task(world: Harness) -> None:
    first = post(world, CODE_SPEC, ONCE | {"idempotency-key": "k1"}, kind="CodeRun")
    again = post(world, CODE_SPEC, ONCE | {"idempotency-key": "k1"}, kind="CodeRun")
    other = post(world, CODE_SPEC, ONCE | {"idempotency-key": "k2"}, kind="CodeRun")
    assert first.body
    assert again.body
    assert other.body
    assert (first.code, again.code, other.code) == (201, 200, 409)
    assert again.body["data"] == first.body["data"]
    assert first.body["data"]["name"] in other.body["message"]
    assert post(world, {**CODE_SPEC, "taskId": 4}, ONCE | {"idempotency-key": "k3"}, kind="CodeRun").code == 201
    assert post(world, CODE_SPEC, JSON | {"idempotency-key": "k4"}, kind="CodeRun").code == 201, "a key alone"


def test_repeated_key_finds_its_run_although_another_run_has_the_task(world: Harness) -> None:
    first = post(world, CODE_SPEC, ONCE | {"idempotency-key": "k1"}, kind="CodeRun")
    post(world, CODE_SPEC, JSON | {"idempotency-key": "k2"}, kind="CodeRun")
    again = post(world, CODE_SPEC, ONCE | {"idempotency-key": "k1"}, kind="CodeRun")
    assert first.body
    assert again.body
    assert (again.code, again.body["data"]["uid"]) == (200, first.body["data"]["uid"])


def test_a_finished_run_blocks_no_other(world: Harness) -> None:
    first = post(world, CODE_SPEC, ONCE | {"idempotency-key": "k1"}, kind="CodeRun")
    assert first.body
    name = first.body["data"]["name"]
    world.kubelet.patch(CODE_RUN, world.namespace, name, {"spec": {"cancel": True}})
    reconcile(world.services, "CodeRun", world.namespace, name)
    assert post(world, CODE_SPEC, ONCE | {"idempotency-key": "k2"}, kind="CodeRun").code == 201


def test_if_unfinished_never_refuses_a_docs_run(world: Harness) -> None:
    for key in ("k1", "k2"):
        assert post(world, DOCS_SPEC, ONCE | {"idempotency-key": key}).code == 201


def test_request_that_overlaps_the_deletion_of_its_run_starts_no_job(world: Harness) -> None:
    first = post(world, DOCS_SPEC, EVENT)
    assert first.body
    name, uid = first.body["data"]["name"], first.body["data"]["uid"]
    before = world.kubelet.get(DOCS_RUN, world.namespace, name)
    world.kubelet.delete(DOCS_RUN, world.namespace, name, uid)
    reconcile(world.services, "DocsRun", world.namespace, name)
    late = {key: before["metadata"][key] for key in ("name", "namespace", "annotations", "labels", "finalizers")}
    world.kubelet.create(DOCS_RUN, {**before, "metadata": late})  # the request looked before the tombstone existed
    reconcile(world.services, "DocsRun", world.namespace, name)
    (again,) = world.runs()
    assert (again["status"]["phase"], world.jobs()) == ("Cancelled", [])


def test_web_page_cannot_submit_without_authentication(world: Harness) -> None:
    assert post(world, DOCS_SPEC, JSON | {"host": "evil.example"}).code == 403
    assert post(world, DOCS_SPEC, JSON | {"host": "127.0.0.1:8901", "origin": "http://evil.example"}).code == 403
    assert world.runs() == []
    assert post(world, DOCS_SPEC, JSON | {"host": "127.0.0.1:8901"}).code == 201


def test_snake_case_is_accepted_and_a_mixture_is_rejected(world: Harness) -> None:
    snake = {
        "repository_url": DOCS_SPEC["repositoryUrl"],
        "source_branch": "main",
        "model": "claude-x",
        "github_user": "a",
    }
    assert post(world, snake).code == 201
    mixed = post(world, {**snake, "workingDirectory": "."})
    assert mixed.body
    assert mixed.code == 400
    (found,) = [each["message"] for each in mixed.body["errors"] if each["field"] == "workingDirectory"]
    assert found == "is camelCase beside fields in snake_case; write all fields in one of them"


@pytest.mark.parametrize(
    ("more", "field", "is_mixed"),
    [
        ({"workingDirectoryy": "."}, "workingDirectoryy", False),
        ({"resources": {"ephemeralStorage": "1Gi"}}, "resources.ephemeralStorage", True),
        ({"resources": {"ephemeralStore": "1Gi"}}, "resources.ephemeralStore", False),
    ],
)
def test_field_of_no_style_is_unknown_and_not_camel_case(
    world: Harness, more: dict[str, Any], field: str, is_mixed: bool
) -> None:
    answered = post(world, {"repository_url": DOCS_SPEC["repositoryUrl"], **more})
    assert answered.body
    (found,) = [each["message"] for each in answered.body["errors"] if each["field"] == field]
    assert ("camelCase" in found, found == "is not a known field") == (is_mixed, not is_mixed)


@pytest.mark.parametrize(
    ("body", "headers", "code", "field"),
    [
        (b"", JSON, 400, "body"),
        (b'{"model": ', JSON, 400, "body"),
        (b"[]", JSON, 400, "body"),
        (b'{"model": "claude-a", "model": "claude-b"}', JSON, 400, "model"),
        (json.dumps({**DOCS_SPEC, "maxCostUsd": float("inf")}).encode(), JSON, 400, "maxCostUsd"),
        (b'"x"', JSON, 400, "body"),
        (b"{}", JSON, 400, "repositoryUrl"),
        (json.dumps({**DOCS_SPEC, "surprise": 1}).encode(), JSON, 400, "surprise"),
        (json.dumps({**DOCS_SPEC, "taskId": 1}).encode(), JSON, 400, "taskId"),
        (json.dumps({**DOCS_SPEC, "model": 5}).encode(), JSON, 400, "model"),
        (json.dumps({**DOCS_SPEC, "env": [{"name": "A", "value": "\ud800"}]}).encode(), JSON, 400, "env.0.value"),
        (json.dumps({**DOCS_SPEC, "envFromSecrets": ["claude-api-key"]}).encode(), JSON, 400, "envFromSecrets"),
        (json.dumps(DOCS_SPEC).encode(), {}, 415, "content-type"),
        (json.dumps(DOCS_SPEC).encode(), {"content-type": "text/plain"}, 415, "content-type"),
        (json.dumps(DOCS_SPEC).encode(), {**JSON, "idempotency-key": "k" * 256}, 400, "Idempotency-Key"),
        (json.dumps(DOCS_SPEC).encode(), {**JSON, "if-unfinished": "wait"}, 400, "If-Unfinished"),
        (b"{}", {"ce-id": "1"}, 400, "type"),
    ],
)
def test_invalid_request_is_rejected_naming_the_field_without_a_call(
    world: Harness, body: bytes, headers: dict[str, str], code: int, field: str
) -> None:
    found = post(world, body, headers)
    assert found.body
    assert (found.code, found.body["success"]) == (code, False)
    assert field in [problem["field"] for problem in found.body["errors"]]
    assert world.calls.calls == []


def test_an_event_of_another_type_is_acknowledged_and_ignored(world: Harness) -> None:
    assert post(world, DOCS_SPEC, EVENT | {"ce-type": "somebody.elses.v1"}).code == 204
    assert world.runs() == []


def test_invalid_event_from_the_queue_is_acknowledged(world: Harness) -> None:
    assert post(world, {"model": 1}, EVENT | {SUBSCRIPTION: "s"}).code == 204
    assert post(world, b"{", EVENT | {SUBSCRIPTION: "s"}).code == 204
    assert world.runs() == []


STRUCTURED = {"content-type": "application/cloudevents+json"}
HALF = json.dumps({**{n.removeprefix("ce-"): v for n, v in EVENT.items()}, "id": "\ud800", "data": DOCS_SPEC}).encode()
PUSHED = {"message": {"messageId": "1", "attributes": {**EVENT, "ce-id": "\ud800"}}, "subscription": "s"}


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (HALF, STRUCTURED, 400),
        (HALF, STRUCTURED | {SUBSCRIPTION: "s"}, 204),
        (json.dumps(PUSHED).encode(), JSON, 204),
        (json.dumps({**DOCS_SPEC, "workingDirectory": "\ud800"}).encode(), JSON, 400),
    ],
)
def test_text_with_a_lone_surrogate_is_rejected_for_good(
    world: Harness, body: bytes, headers: dict[str, str], code: int
) -> None:
    found = post(world, body, headers)
    assert (found.code, found.body is None) == (code, code == 204)
    assert world.calls.calls == []


def test_caller_needs_a_known_token_in_bearer_mode(world: Harness) -> None:
    world.configure(auth=AuthSettings(mode="bearer", tokens={"ci": "s3cret"}))
    assert post(world, DOCS_SPEC).code == 401
    assert post(world, DOCS_SPEC, JSON | {"authorization": "Bearer wrong"}).code == 403
    assert world.runs() == []
    assert post(world, DOCS_SPEC, JSON | {"authorization": "Bearer s3cret"}).code == 201


def test_largest_body_is_that_of_the_api_server() -> None:
    assert LARGEST_BODY == 3 * 1024 * 1024
