"""Pods with several containers: each has its own mounts; the end of the main container is recorded at once."""

import asyncio
from typing import Any

from functions.cluster.kinds import JOB
from functions.local.pod_logs import Portion

BESIDE = "echo $$ >>{marker}; trap 'echo told >&2; exit 0' TERM; touch $POD_ROOT/shared/up; sleep 60 & wait"


def with_other(machine: Any, marker: Any, script: str, *, sidecar: bool) -> None:
    """Create a Job whose pod has a second container, which alone mounts a secret."""
    machine.secret("key", value="s3cret")
    other: dict[str, Any] = {
        "name": "broker",
        "image": "local",
        "command": ["/bin/bash", "-c", BESIDE.format(marker=marker).replace("$", "$$")],
        "volumeMounts": [{"name": "key", "mountPath": "/secrets/key"}, {"name": "shared", "mountPath": "/shared"}],
    }
    volumes = [{"name": "key", "secret": {"secretName": "key"}}, {"name": "shared", "emptyDir": {}}]
    main = {
        "name": "agent",
        "image": "local",
        "command": ["/bin/bash", "-c", script.replace("$", "$$")],
        "volumeMounts": [{"name": "shared", "mountPath": "/shared"}],
    }
    spec: dict[str, Any] = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5, "volumes": volumes}
    spec["containers"] = [main] if sidecar else [other, main]
    if sidecar:
        spec["initContainers"] = [other | {"restartPolicy": "Always"}]
    annotations = {"kubectl.kubernetes.io/default-container": "agent"}
    template = {"metadata": {"annotations": annotations}, "spec": spec}
    machine.create(JOB, "work", spec={"backoffLimit": 0, "template": template})


async def log(machine: Any, pod: Any, container: str) -> bytes:
    pieces = machine.logs.open("default", pod["metadata"]["name"], Portion(container=container))
    return b"".join([piece async for piece in pieces])


WORKS = """until [[ -e $POD_ROOT/shared/up ]]; do sleep 0.05; done
    ls $POD_ROOT $POD_ROOT/secrets 2>&1; echo done >$POD_ROOT/dev/termination-log"""


def of(pod: Any, name: str, field: str = "containerStatuses") -> Any:
    return next(each for each in pod["status"][field] if each["name"] == name)["state"]


def test_sidecar_is_stopped_after_the_main_container(machine, marker, living):
    with machine.runner():
        with_other(machine, marker, WORKS, sidecar=True)
        _, pod = machine.finished()
        assert machine.condition("Complete")
        assert living(marker) == []
    assert of(pod, "agent")["terminated"]["message"] == "done\n"
    assert of(pod, "broker", "initContainerStatuses")["terminated"]["exitCode"] == 0
    assert "secrets\n" not in machine.log(), "the main container does not have the secret"
    assert asyncio.run(log(machine, pod, "broker")) == b"told\n"


def test_plain_container_keeps_the_pod_running_after_the_main_container(machine, marker, living):
    with machine.runner():
        with_other(machine, marker, WORKS, sidecar=False)
        machine.until(lambda: machine.pod() and "terminated" in of_agent(machine))
        assert machine.phase() == "Running"
        assert of(machine.pod(), "agent")["terminated"]["message"] == "done\n"
        assert "running" in of(machine.pod(), "broker")
        assert living(marker)
        machine.patch_job({"activeDeadlineSeconds": 1})
        machine.finished()
        assert machine.condition("Failed")["reason"] == "DeadlineExceeded"
        assert living(marker) == []


def of_agent(machine: Any) -> Any:
    statuses = machine.pod()["status"].get("containerStatuses") or ()
    return next((each["state"] for each in statuses if each["name"] == "agent"), {})


def test_failed_plain_container_fails_the_pod(machine, marker):
    with machine.runner():
        with_other(machine, marker, f"{WORKS}; kill -9 $(cat {marker})", sidecar=False)
        _, pod = machine.finished()
    assert pod["status"]["phase"] == "Failed"
    assert of(pod, "agent")["terminated"]["exitCode"] == 0
    assert of(pod, "broker")["terminated"]["exitCode"] == 137


def test_processes_of_every_container_are_ended_after_a_runner_was_killed(machine, marker, living):
    with machine.runner_process():
        with_other(machine, marker, f"echo $$ >>{marker}; sleep 60", sidecar=True)
        machine.until(lambda: len(living(marker)) == 2 and machine.phase() == "Running")
    with machine.runner():
        assert living(marker) == []
        machine.finished()
        assert not list((machine.state / "pods").iterdir())
