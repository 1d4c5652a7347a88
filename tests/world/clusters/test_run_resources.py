"""`spec.resources` of a run, within the setting `job.max_resources`."""

from typing import Any

import pytest

from functions.clients.errors import WrongUsage
from functions.clients.tasks.options import resources
from functions.cluster.kinds import CODE_RUN, JOB
from functions.github.commands import configuration
from functions.github.commands.parse import StartRun
from functions.github.commands.spec_builder import RequestTarget, build_spec
from functions.manifests.pod import pod_spec
from functions.settings.job import JobSettings, Resources
from tests.support.api import Harness
from tests.support.builders import run, settings, with_attempt
from tests.support.run_steps import code_request, job_name, now, reason, submitted, swept

BOUNDED = JobSettings(max_resources=Resources(cpu="8", memory="32Gi"))


def agents_resources(wanted: Any) -> Any:
    found = run(spec={"resources": wanted})
    pod = pod_spec(with_attempt(found), settings(job=BOUNDED.model_dump()))
    return pod["containers"][0]["resources"]


def test_requested_amounts_are_requests_and_limits_of_the_container() -> None:
    all_of_it = {"cpu": 4, "memory": "8Gi", "ephemeralStorage": "20Gi"}
    amounts = {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "20Gi"}
    assert agents_resources(all_of_it) == {"requests": amounts, "limits": amounts}


def test_resources_that_are_not_requested_come_from_the_settings() -> None:
    assert agents_resources({"memory": "8Gi"}) == {
        "requests": {"cpu": "100m", "memory": "8Gi"},
        "limits": {"cpu": "2", "memory": "8Gi"},
    }


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        ({"cpu": "9"}, "resources.cpu", "must be at most 8 (the setting job.max_resources.cpu)"),
        ({"memory": "33Gi"}, "resources.memory", "must be at most 32Gi (the setting job.max_resources.memory)"),
        (
            {"ephemeralStorage": "1Gi"},
            "resources.ephemeralStorage",
            "cannot be asked for: the setting job.max_resources.ephemeral_storage is not set",
        ),
        ({"gpu": 1}, "resources.gpu", "is not a known field"),
        ({"memory": "8"}, "resources.memory", "must be an amount of bytes with its unit, such as 512Mi or 8Gi"),
    ],
)
def test_invalid_or_excessive_resources_are_refused_at_submit(
    world: Harness, wanted: Any, field: str, words: str
) -> None:
    world.configure(job=BOUNDED)
    assert code_request(world, resources=wanted) == (400, {field: words})
    assert list(world.kubelet.list(CODE_RUN, world.namespace)) == []


@pytest.mark.parametrize(("amount", "code"), [("4Gi", 201), ("4097Mi", 400)])
def test_without_max_resources_the_configured_limits_are_the_bound(world: Harness, amount: str, code: int) -> None:
    assert code_request(world, resources={"memory": amount})[0] == code


def test_excessive_resources_by_kubectl_are_a_configuration_error_until_corrected(world: Harness) -> None:
    made = submitted(world, resources={"memory": "64Gi"})
    swept(world)
    found = now(world, made)
    assert (found.status.phase, reason(found)) == ("Pending", "ConfigurationError")
    assert "resources.memory: must be at most 4Gi (the setting job.max_resources.memory)" in str(found.status.message)
    world.kubelet.patch(CODE_RUN, world.namespace, made.name, {"spec": {"resources": {"memory": "2Gi"}}})
    world.later(minutes=1)
    swept(world)
    job = world.kubelet.get(JOB, world.namespace, job_name(world, made))
    assert job["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] == "2Gi"


def test_resources_option_takes_name_and_amount() -> None:
    assert resources(["cpu=500m", "ephemeral-storage=1Gi"]) == {"cpu": "500m", "ephemeral_storage": "1Gi"}
    for wrong in ("gpu=1", "cpu", "cpu="):
        with pytest.raises(WrongUsage, match="--resources: must be NAME=AMOUNT with one of cpu, memory, ephemeral"):
            resources([wrong])


def test_repository_file_can_request_resources() -> None:
    file = configuration.parse("service: api\ngithubApp: 5DLabs-Rex\nresources: {memory: 2Gi, cpu: 1}\n")
    command = StartRun("code", task=3)
    spec = build_spec(command, RequestTarget("acme/shop", "main"), file, settings())
    assert spec.resources
    assert spec.resources.quantities == {"cpu": "1", "memory": "2Gi"}
