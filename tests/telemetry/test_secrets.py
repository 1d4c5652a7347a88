"""No log line contains a secret or a full prompt, whatever the request and its outcome.

place of a secret or prompt                           outcome
env, promptModification, URLs of a spec               a run, a refusal, an attempt, a report, a sweep
Authorization, Idempotency-Key                        accepted, refused
a body that is not JSON, a spec or an event           refused
a value that the API server refuses and repeats       refused
an agent's report                                     the outcome of its attempt
a comment, an issue, a webhook's secret, App's tokens commands that are accepted, and others
"""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from functions.cluster.errors import Invalid
from functions.cluster.transport import Request as Call
from functions.events.event import requested
from functions.handlers import github_event, job_finished, reconcile, report, sweep
from functions.runs.model.specs import SPECS
from functions.runs.model.status import RunStatus
from functions.serving.http import Answer, Request, answer
from functions.settings.auth import AuthSettings
from functions.submission.submit import submit
from tests.github.clock import Clock
from tests.github.delivery_bench import DeliveryBench
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC
from tests.support.forwarding import ForwardingTransport
from tests.support.github import Github, serving
from tests.support.in_process_server import InProcessServer
from tests.support.run_steps import event, job_event, job_name, now, run_event, submitted, swept
from tests.telemetry.logged import Logged, logging_to
from tests.telemetry.traces import Kept

SECRET = "s3cr3t-canary"
PROMPT = "pr0mpt-canary: " + "do as this long text says, word by word. " * 20
URL = f"https://user:{SECRET}@git.example/shop.git"
SPEC = {**CODE_SPEC, "env": [{"name": "TOKEN", "value": SECRET}], "promptModification": PROMPT}
JSON = {"content-type": "application/json", "authorization": f"Bearer {SECRET}"}
CLOUD = {"ce-id": "1", "ce-source": "/ci", "ce-specversion": "1.0", "ce-type": requested("code")}


@pytest.fixture
def logged() -> Iterator[Logged]:
    with logging_to(logging.DEBUG) as found:
        yield found


def clean(logged: Logged) -> bool:
    """Return True if the log is not empty and contains neither the secret nor the prompt; else fail."""
    assert logged.text
    assert SECRET not in logged.text
    assert "pr0mpt-canary" not in logged.text
    return True


def asked(world: Harness, body: Any, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = JSON | {name.replace("_", "-"): text for name, text in headers.items()}
    return answer(partial(submit, world.services, "CodeRun"), Request(given, raw))


REFUSED: dict[str, Any] = {
    "a token in a URL": {**SPEC, "repositoryUrl": URL},
    "a secret where a number belongs": {**SPEC, "maxTurns": SECRET},
    "a secret as a branch": {**SPEC, "branch": f"{SECRET}..{SECRET}"},
    "a secret as a model": {**SPEC, "model": SECRET + "\n"},
    "a reserved name": {**SPEC, "env": [{"name": "GITHUB_TOKEN", "value": SECRET}]},
    "a prompt that is a list": {**SPEC, "promptModification": [PROMPT]},
    "a prompt of another mode": {**SPEC, "promptMode": PROMPT},
    "no JSON": f'{{"promptModification": "{PROMPT}", "env": {SECRET}'.encode(),
    "a list": [SECRET, PROMPT],
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("headers", [{}, {**CLOUD, "x-goog-pubsub-subscription-name": "s"}], ids=["HTTP", "queue"])
def test_a_refused_request_is_not_logged(world: Harness, logged: Logged, body: Any, headers: dict[str, str]) -> None:
    assert asked(world, body, **headers).code in (204, 400, 413, 422)
    assert clean(logged)


def test_callers_tokens_and_keys_are_not_shown(world: Harness, logged: Logged) -> None:
    world.configure(auth=AuthSettings(mode="bearer", tokens={"ci": "another"}))
    assert asked(world, SPEC, idempotency_key=SECRET).code in (401, 403)
    world.configure(auth=AuthSettings(mode="bearer", tokens={"ci": SECRET}))
    assert asked(world, SPEC, idempotency_key=SECRET).code == 201
    assert asked(world, CODE_SPEC, idempotency_key=SECRET).code == 422
    assert clean(logged)


class Repeats(ForwardingTransport):
    """A transport to an API server that refuses every creation and repeats the value in its message."""

    def send(self, request: Call) -> Any:
        if request.method == "POST":
            causes = [("spec.env[0].value", f'Invalid value: "{SECRET}": too long')]
            raise Invalid(f'CodeRun is invalid: spec.promptModification: Invalid value: "{PROMPT}"', causes)
        return self.inner.send(request)


def test_a_value_repeated_by_the_api_server_is_not_logged(logged: Logged) -> None:
    world = Harness(InProcessServer(), "orchestrator")
    world.services = replace(world.services, cluster=type(world.services.cluster)(Repeats(InProcessServer())))
    assert asked(world, SPEC).code == 422
    assert clean(logged)


def test_the_life_of_a_run_is_logged_without_secrets(world: Harness, logged: Logged) -> None:
    world.services = replace(world.services, publisher=Kept())
    made = submitted(world, **SPEC)
    run_event(world, made.raw, "add")
    job = world.job_ready(job_name(world, made))
    job_event(world, job)
    failed = {"outcome": "failed", "reason": "NetworkError", "message": f"{SECRET} {PROMPT}"}
    job_event(world, world.job_ends(job["metadata"]["name"], json.dumps(failed), ok=False))
    world.now += timedelta(minutes=5)
    swept(world)
    answer(partial(report.handle, world.services), event(now(world, made).raw))
    second = job_name(world, made)
    world.job_ready(second)
    swept(world)
    job_event(world, world.job_ends(second, f"no JSON: {SECRET} {PROMPT}", ok=False))
    world.now += timedelta(minutes=5)
    swept(world)
    assert {"published: started", "Running"} <= {line["message"] for line in logged.lines("run-1")}
    assert clean(logged)


FUNCTIONS: dict[str, Callable[..., Answer]] = {
    "reconcile": reconcile.handle,
    "job_finished": job_finished.handle,
    "report": report.handle,
    "sweep": sweep.handle,
    "github_event": github_event.handle,
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_unreadable_objects_are_not_logged(world: Harness, logged: Logged, function: str) -> None:
    world.services = replace(world.services, publisher=Kept())
    place = {"name": "run-1", "namespace": world.namespace, "ownerReferences": SECRET, "annotations": SECRET}
    for kind in ("CodeRun", "Job"):
        raw = {"kind": kind, "metadata": place, "spec": {**SPEC, "taskId": SECRET}, "status": {"conditions": PROMPT}}
        for headers in ({}, {"x-goog-pubsub-subscription-name": "s"}):
            request = Request({**JSON, **event({}).headers, **headers}, json.dumps(raw).encode())
            answer(partial(FUNCTIONS[function], world.services), request)
            broken = Request(request.headers, f'{{"spec": "{SECRET} {PROMPT}'.encode())
            answer(partial(FUNCTIONS[function], world.services), broken)
    logging.getLogger("orchestrator").info("the end")
    assert clean(logged)


COMMANDS = (
    f"/docs {PROMPT}",
    f"/code 1 service=api {SECRET}",
    f"/code {SECRET}",
    "/code 1 service=api",
    f"/retry {PROMPT} {SECRET}",
    f"/cancel {SECRET}",
    f"/status {SECRET}",
)


def test_github_secrets_and_text_of_people_are_not_logged(logged: Logged) -> None:
    clock = Clock()
    with serving(Github(clock)) as github:
        bench = DeliveryBench(InProcessServer(), "orchestrator", github, clock)
        number = bench.issue(f"Task 12: {SECRET}")
        for by in ("octocat", "stranger"):
            for text in COMMANDS:
                bench.comment(number, text, by)
        assert bench.runs()
        configured = bench.services.settings.github
        secrets = [each.get_secret_value() for each in configured.webhook_secrets]
        secrets += [each.split("\n")[1] for each in [configured.private_key.get_secret_value()]]
    assert secrets
    assert not [each for each in secrets if each in logged.text]
    assert "accepted: issue_comment" in {line["message"] for line in logged.lines()}
    assert clean(logged)


@pytest.mark.parametrize("kind", SPECS)
def test_a_validation_error_does_not_repeat_the_value(kind: str) -> None:
    wrong = {**SPEC, "taskId": SECRET, "repositoryUrl": URL, "env": SECRET, "promptModification": [PROMPT]}
    with pytest.raises(ValidationError) as caught:
        SPECS[kind].model_validate(wrong)
    with pytest.raises(ValidationError) as other:
        RunStatus.model_validate({"conditions": SECRET, "attempt": PROMPT})
    assert not [word for word in (SECRET, "pr0mpt") if word in f"{caught.value} {other.value}"]
