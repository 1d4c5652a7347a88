"""SPEC 3: repositories on loopback, link-local and metadata server addresses are refused."""

import pytest

from functions.cluster.kinds import CODE_RUN
from functions.settings.auth import AuthSettings
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC
from tests.support.run_steps import JSON, now, post, run_event, submitted

INSTALLED = AuthSettings(mode="bearer", tokens={"ci": "s3cret"})
FIELDS = ("repositoryUrl", "platformRepositoryUrl")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:8443/a/b", "git@169.254.169.254:a/b", "ssh://git@metadata.google.internal/a/b"]
)
def test_request_for_a_forbidden_host_is_refused_with_the_field(world: Harness, field: str, url: str) -> None:
    world.configure(auth=INSTALLED)
    found = post(world, {**CODE_SPEC, field: url}, JSON | {"authorization": "Bearer s3cret"}, "CodeRun")
    assert found.code == 400
    assert found.body is not None
    (error,) = found.body["errors"]
    assert error["field"] == field
    assert "is not a Git host" in error["message"]
    assert list(world.kubelet.list(CODE_RUN, world.namespace)) == []


def test_loopback_repositories_are_accepted_on_one_machine(world: Harness) -> None:
    assert post(world, {**CODE_SPEC, "repositoryUrl": "https://localhost/a/b"}, kind="CodeRun").code == 201


def test_run_with_a_forbidden_host_made_by_kubectl_fails_without_a_pod(world: Harness) -> None:
    run = submitted(world, repositoryUrl="https://localhost/a/b")
    world.configure(auth=INSTALLED)
    run_event(world, run.raw)
    ended = now(world, run).status
    assert ended.succeeded
    assert (ended.succeeded.reason, ended.job_name) == ("InvalidSpec", None)
    assert "repositoryUrl: localhost is not a Git host" in (ended.message or "")
