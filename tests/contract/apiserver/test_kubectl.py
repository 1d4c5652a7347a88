"""The installed kubectl, against both servers."""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Namespace, config_map, pod, sample
from tests.support.waiting import until

KUBECTL = shutil.which("kubectl")
SECONDS = 30


@dataclass(frozen=True)
class Kubectl:
    """kubectl in one namespace of one server."""

    namespace: Namespace
    home: Path

    def command(self, *arguments: str) -> list[str]:
        server = self.namespace.server
        where = ["--kubeconfig", str(server.kubeconfig)] if server.kubeconfig else ["--server", server.url]
        return [str(KUBECTL), *where, "--cache-dir", str(self.home), "-n", self.namespace.name, *arguments]

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": ""}

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            input=given,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def __call__(self, *arguments: str, given: str = "") -> str:
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, given: str = "") -> str:
        done = self.run(*arguments, given=given)
        assert done.returncode != 0, done.stdout
        return done.stderr


@pytest.fixture
def kubectl(namespace: Namespace, tmp_path: Path) -> Kubectl:
    if KUBECTL is None:
        assert os.environ.get("CI") != "true", "kubectl is not installed"
        pytest.skip("kubectl is not installed: see https://kubernetes.io/docs/tasks/tools")
    return Kubectl(namespace, tmp_path)


def text(obj: Obj) -> str:
    return json.dumps(obj)


def test_kubectl_apply_creates_keeps_and_changes_an_object(kubectl: Kubectl) -> None:
    def apply(obj: Obj) -> str:
        return kubectl("apply", "--validate=false", "-f", "-", given=text(obj)).split()[-1]

    assert [apply(sample()), apply(sample()), apply(sample(task=4))] == ["created", "unchanged", "configured"]
    assert kubectl("get", "samples", "a", "-o", "jsonpath={.spec.task}") == "4"


def test_kubectl_explain_describes_a_custom_resource_and_its_fields(kubectl: Kubectl) -> None:
    until(lambda: kubectl.run("explain", "samples").returncode == 0)  # a real server publishes a schema with a delay
    whole = kubectl("explain", "samples")
    assert [word in whole for word in ("KIND:", "Sample", "spec\t<Object>", "metadata\t<")] == [True] * 4
    assert "<integer>" in kubectl("explain", "samples.spec.task")
    assert "does not exist" in kubectl.refused("explain", "samples.spec.none")


def test_kubectl_explain_describes_validated_fields_of_built_in_kinds(kubectl: Kubectl) -> None:
    assert "spec\t<" in kubectl("explain", "jobs")
    assert "<integer>" in kubectl("explain", "job.spec.backoffLimit")
    containers = kubectl("explain", "pods.spec.containers")
    assert "image\t<string>" in containers
    assert "<map[string]string>" in kubectl("explain", "configmaps.data")
    assert "does not exist" in kubectl.refused("explain", "pods.none")


def test_kubectl_apply_patches_built_in_kinds(kubectl: Kubectl) -> None:
    for value, verb in (("1", "created"), ("1", "unchanged"), ("2", "configured")):
        body = text(config_map(data={"a": value}))
        assert kubectl("apply", "--validate=false", "-f", "-", given=body).split()[-1] == verb
    assert kubectl("get", "cm", "a", "-o", "jsonpath={.data.a}") == "2"


def test_kubectl_apply_server_side(kubectl: Kubectl) -> None:
    def body(manager_says: str) -> str:
        return text(config_map(data={"a": manager_says}))

    def apply(*options: str) -> list[str]:
        return ["apply", "--validate=false", "--server-side", "-f", "-", *options]

    assert "serverside-applied" in kubectl(*apply(), given=body("1"))
    assert "+  a: " in kubectl.run("diff", "--server-side", "-f", "-", given=body("2")).stdout
    assert "(server dry run)" in kubectl(*apply("--dry-run=server"), given=body("2"))
    assert kubectl("get", "cm", "a", "-o", "jsonpath={.data.a}") == "1"
    assert "serverside-applied" in kubectl(*apply("--field-manager=other"), given=body("1"))
    said = kubectl.refused(*apply(), given=body("2"))
    assert 'Apply failed with 1 conflict: conflict with "other": .data.a' in said
    assert "--force-conflicts" in said
    kubectl(*apply("--force-conflicts"), given=body("2"))
    assert kubectl("get", "cm", "a", "-o", "jsonpath={.data.a}") == "2"
    assert "manager: kubectl" in kubectl("get", "cm", "a", "-o", "yaml", "--show-managed-fields")


def test_kubectl_server_side_apply_follows_a_client_side_one(kubectl: Kubectl) -> None:
    def apply(spec: Obj, *options: str) -> str:
        kubectl("apply", "--validate=false", *options, "-f", "-", given=text(sample(**spec)))
        return kubectl("get", "samples", "a", "-o", "jsonpath={.spec.task} {.spec.directory}")

    assert apply({"task": 1, "directory": "d"}) == "1 d"
    assert apply({"task": 2}, "--server-side") == "2 "
    assert apply({"task": 3, "directory": "e"}, "--server-side") == "3 e"
    assert apply({"task": 4}) == "4 "
    assert apply({"task": 5}, "--server-side") == "5 "
    kubectl("patch", "samples", "a", "--type=merge", "-p", '{"spec":{"task":6}}')
    said = kubectl.refused("apply", "--validate=false", "--server-side", "-f", "-", given=text(sample(task=7)))
    assert 'conflict with "kubectl-patch"' in said


def test_kubectl_apply_with_validation_names_the_unknown_field(embedded_namespace: Namespace, tmp_path: Path) -> None:
    if KUBECTL is None:
        pytest.skip("kubectl is not installed")
    kubectl = Kubectl(embedded_namespace, tmp_path)
    assert "created" in kubectl("apply", "-f", "-", given=text(sample()))
    assert 'unknown field "spec.extra"' in kubectl.refused("apply", "-f", "-", given=text(sample("b", extra=1)))
    assert 'unknown field "spec.extra"' in kubectl.refused("apply", "-f", "-", given=text(sample(extra=1)))
    said = kubectl.refused("apply", "--server-side", "-f", "-", given=text(sample("c", extra=1)))
    assert 'cannot be handled as a Sample: strict decoding error: unknown field "spec.extra"' in said


def test_kubectl_names_the_field_of_an_invalid_object(kubectl: Kubectl) -> None:
    said = kubectl.refused("apply", "--validate=false", "-f", "-", given=text(sample(task="x")))
    assert 'The Sample "a" is invalid: spec.task: Invalid value: "string"' in said


def test_kubectl_get_shows_columns_and_wide_columns(kubectl: Kubectl) -> None:
    kubectl.namespace.create(sample())
    assert kubectl("get", "smp").splitlines()[0].split() == ["NAME", "TASK", "PHASE", "REASON", "AGE"]
    wide = [line.split() for line in kubectl("get", "contract", "-o", "wide").splitlines()]
    assert wide[0] == ["NAME", "TASK", "PHASE", "REASON", "MODEL", "AGE"]
    assert wide[1][:3] == ["a", "1", "claude-x"]
    assert "No resources found" in kubectl.run("get", "smp", "-l", "none").stderr


def test_kubectl_describe_shows_spec_and_events(kubectl: Kubectl) -> None:
    created = kubectl.namespace.create(sample())
    about = {"kind": "Sample", "name": "a", "namespace": kubectl.namespace.name, "uid": created["metadata"]["uid"]}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "involvedObject": about}
    kubectl.namespace.create({**event, "reason": "Began", "message": "it began", "type": "Normal"}, "events")
    said = kubectl("describe", "smp", "a")
    assert "Task:" in said
    assert "it began" in said


def test_kubectl_wait_returns_when_the_condition_holds(kubectl: Kubectl) -> None:
    kubectl.namespace.create(sample())
    arguments = kubectl.command("wait", "--for=condition=Succeeded", "smp/a", f"--timeout={SECONDS}s")
    with subprocess.Popen(arguments, env=kubectl.environment(), stdout=subprocess.PIPE, text=True) as waiting:
        time.sleep(0.5)
        condition = {"type": "Succeeded", "status": "True"}
        path = kubectl.namespace.path(name="a", subresource="status")
        kubectl.namespace.server.patch(path, {"status": {"conditions": [condition]}})
        said, _ = waiting.communicate(timeout=SECONDS)
    assert (waiting.returncode, "condition met" in said) == (0, True)


def test_kubectl_get_watch_shows_each_change(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl.namespace.create(sample())
    output = tmp_path / "watched"
    with output.open("w") as file:
        watching = subprocess.Popen(kubectl.command("get", "smp", "-w"), env=kubectl.environment(), stdout=file)
        try:
            until(lambda: len(output.read_text().splitlines()) == 2)
            kubectl.namespace.server.patch(kubectl.namespace.path(name="a"), {"spec": {"task": 7}})
            until(lambda: output.read_text().splitlines()[-1].split()[:2] == ["a", "7"])
        finally:
            watching.terminate()
            watching.wait(timeout=SECONDS)


def test_kubectl_patches_labels_and_deletes(kubectl: Kubectl) -> None:
    kubectl.namespace.create(sample())
    kubectl("patch", "smp", "a", "--type=merge", "-p", '{"spec":{"cancel":true}}')
    kubectl("patch", "smp", "a", "--type=json", "-p", '[{"op":"replace","path":"/spec/task","value":9}]')
    kubectl("patch", "smp", "a", "--subresource=status", "--type=merge", "-p", '{"status":{"phase":"Running"}}')
    kubectl("label", "smp", "a", "x=y")
    got = kubectl.namespace.get("a")
    assert (got["spec"]["cancel"], got["spec"]["task"], got["status"]["phase"]) == (True, 9, "Running")
    assert "not supported" in kubectl.refused("patch", "smp", "a", "-p", "{}")
    assert kubectl("get", "smp", "-l", "x=y", "-o", "name").split() == ["sample.contract.agents.platform/a"]
    kubectl("delete", "smp", "a")
    assert kubectl.namespace.gone("a")


def test_kubectl_create_commands_send_protobuf(kubectl: Kubectl) -> None:
    """The objects of `kubectl create` are sent as protobuf."""
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b", "--from-literal=c=d")
    kubectl("create", "configmap", "c", "--from-literal=a=b")
    kubectl("create", "namespace", f"{kubectl.namespace.name}-made")
    assert kubectl.namespace.get("s", "secrets")["data"] == {"a": "Yg==", "c": "ZA=="}
    assert kubectl.namespace.get("s", "secrets")["type"] == "Opaque"
    assert kubectl.namespace.get("c", "configmaps")["data"] == {"a": "b"}


def test_logs(embedded_namespace: Namespace, tmp_path: Path) -> None:
    if KUBECTL is None:
        pytest.skip("kubectl is not installed")
    kubectl = Kubectl(embedded_namespace, tmp_path)
    for name in ("a", "silent"):
        embedded_namespace.create(pod(name), "pods")
    assert kubectl("logs", "a") == "one\ntwo\nthree\n"
    assert kubectl("logs", "a", "--tail=1") == "three\n"
    assert kubectl("logs", "a", "-f") == "one\ntwo\nthree\n"
    time = "2026-01-02T03:04:05.000000Z"
    assert kubectl("logs", "a", "--timestamps", "--tail=2") == f"{time} two\n{time} three\n"
    assert kubectl("logs", "a", "--since-time=2026-01-02T03:04:05Z") == "one\ntwo\nthree\n"
    assert kubectl("logs", "a", "--since-time=2026-01-02T03:04:06Z") == ""
    assert kubectl("logs", "a", "--since=1h") == ""
    assert kubectl("logs", "a", "--limit-bytes=6") == "one\ntw"
    assert 'previous terminated container "c" in pod "a" not found' in kubectl.refused("logs", "a", "-p")
    assert "container d is not valid for pod a" in kubectl.refused("logs", "a", "-c", "d")
    assert "NotFound" in kubectl.refused("logs", "silent")
    assert 'pods "none" not found' in kubectl.refused("logs", "none")
