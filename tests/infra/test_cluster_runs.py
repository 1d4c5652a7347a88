"""docs/install-cluster.md, followed to finished runs.

The guide's commands run against a real API server with its Job controller, RBAC and tokens of service accounts. The
pods of infra/kubernetes/cluster run from the file system of the built image, with the user, variables, volumes and
rights of their manifests, beside a NATS server with the overlay's configuration. A simulated kubelet runs the Jobs.
"""

import asyncio
import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3
from nats.aio.client import Client
from nats.errors import TimeoutError as NoAnswerError
from pydantic import SecretStr

from functions.cluster.client import Cluster
from functions.cluster.kinds import RUNS, SECRET
from functions.events.event import Event, requested
from functions.local.dev.function_processes import Program
from functions.queues.backends.nats.connection import connect
from functions.queues.backends.nats.publisher import NatsPublisher
from functions.runs.lifecycle.states import State, state
from functions.runs.model.run import Run, parse
from functions.settings.nats import NatsSettings
from tests.infra import manifests
from tests.infra.guide import Reader, uninstall_runs
from tests.infra.manifests import of_kind
from tests.infra.overlay_processes import NAMESPACE, Overlay, running
from tests.infra.test_functions_in_image import IN_THE_OVERLAY
from tests.queues.machine import Kubelet
from tests.support import control_plane, images
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.images import Image
from tests.support.kubeconfigs import cluster_of
from tests.support.node import SimulatedKubelet
from tests.support.waiting import until

PREREQUISITES = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: tests
"""


@dataclass
class Installed:
    """The running overlay."""

    reader: Reader
    overlay: Overlay
    processes: list[Program]
    cluster: Cluster

    def nats(self, user: str) -> NatsSettings:
        url = f"nats://{self.overlay.address('orchestrator-nats', 4222)}"
        password = SecretStr(self.overlay.secrets["orchestrator-nats"][user])
        return NatsSettings(servers=[url], user=user, password=password)

    def post(self, function: str, spec: Any, **headers: str) -> tuple[int, Any]:
        given = {"content-type": "application/json", **headers}
        body = json.dumps(spec)
        answer = urllib3.request("POST", self.url(function), body=body, headers=given, retries=False, timeout=60)
        return answer.status, answer.json()

    def url(self, function: str) -> str:
        return f"http://{self.overlay.address(f'orchestrator-{function}', 80)}"

    def runs(self) -> list[Run]:
        return [parse(raw) for kind in RUNS.values() for raw in self.cluster.list(kind, NAMESPACE)]

    def logs(self) -> str:
        tails = {each.target: each.log.read_text()[-600:] for each in self.processes}
        return json.dumps({"runs": [f"{run.name} {run.status.phase}" for run in self.runs()], **tails}, indent=1)


@pytest.fixture(scope="module")
def at_work(
    kubectl: str, nats_server: str, orchestrator_image: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    with control_plane.available(tmp_path_factory.mktemp("plane")) as plane:
        if not plane.etcd:
            pytest.skip("it installs what is in infra/kubernetes: unset TEST_CLUSTER")
        reader = Reader(tmp_path_factory.mktemp("reader"), plane, kubectl)
        model = 'namespace: orchestrator\nmodel: {url: "http://127.0.0.1:9"}\n'
        reader.prepare({"registry.example.com/": "127.0.0.1:9/", "namespace: orchestrator\n": model})
        (reader.folder / "KEYFILE").write_text("sk-ant-test")
        (reader.folder / "SSHKEYFILE").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
        (reader.folder / "storage.yaml").write_text(PREREQUISITES)
        reader.run("kubectl apply --filename storage.yaml")
        reader.follow("Definitions", "Namespace and secrets", "Your values", "Install")
        cluster = cluster_of(plane.kubeconfig)
        folder = tmp_path_factory.mktemp("overlay")
        overlay = Overlay(reader.rendered("cluster"), plane, kubectl, secrets(cluster), folder, orchestrator_image)
        kubelet = Kubelet(cluster, SimulatedKubelet(cluster))
        try:
            with running(overlay, "orchestrator-nats") as processes:
                found = Installed(reader, overlay, processes, cluster)
                until(lambda: all(healthy(overlay, name) for name in overlay.workloads()), 100, found.logs, every=0.25)
                yield found
        finally:
            kubelet.stop()


def secrets(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Return the values of the secrets that the guide's commands created."""
    return {
        each["metadata"]["name"]: {key: base64.b64decode(text).decode() for key, text in each["data"].items()}
        for each in cluster.list(SECRET, NAMESPACE)
    }


def healthy(overlay: Overlay, name: str) -> bool:
    """Return whether every probe of the workload is answered with 200."""
    container = overlay.container(overlay.workloads()[name])
    probes = [container[each]["httpGet"] for each in container if each.endswith("Probe")]
    assert probes
    return all(is_answered(f"http://127.0.0.1:{overlay.ports[name, each['port']]}{each['path']}") for each in probes)


def is_answered(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=10).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@pytest.mark.timeout(images.BUILD_SECONDS)  # the first test with the image builds it
def test_the_guides_doctor_command_reports_only_missing_parts_of_this_machine(at_work: Installed) -> None:
    nats = f"nats://{at_work.overlay.address('orchestrator-nats', 4222)}"
    health = f"http://127.0.0.1:{at_work.overlay.ports['orchestrator-dispatch', 'health']}"
    values = {"nats://127.0.0.1:4222": nats, "http://127.0.0.1:8080": health}
    output = at_work.reader.follow("Check", values=values, check=False)
    assert '"runs-reconcile": {"ready": true' in output
    rows = re.findall(r"^(ok|problem|unknown) +([\w ]{12})", output, re.MULTILINE)
    found = {check.strip(): state for state, check in rows}
    assert found["queue"] == found["rights"] == found["definitions"] == found["model key"] == "ok", output
    lacking = {"image", "version"}  # a registry, and Kubernetes 1.29 if the control plane is older
    assert {name for name, state in found.items() if state == "problem"} <= lacking, output


@pytest.mark.timeout(400)
def test_docs_and_code_runs_succeed_over_nats(at_work: Installed) -> None:
    output = at_work.reader.follow("A run", values={"https://agents.example.com": at_work.url("submit-code")})
    assert "Task 1 of shop" in output
    token = json.loads(at_work.overlay.secrets["orchestrator-tokens"]["callers"])["ci"]
    docs = at_work.post("submit-docs", dict(DOCS_SPEC), authorization=f"Bearer {token}")
    assert docs[0] == 201, docs
    spec = {**CODE_SPEC, "taskId": 77, "service": "by-event"}
    NatsPublisher(at_work.nats("publisher")).publish(
        "code-requested", Event("one", "/tests", requested("code"), "", spec)
    )

    def ended() -> bool:
        runs = at_work.runs()
        return len(runs) == 3 and {run.status.reported for run in runs} == {"1/succeeded"}

    until(ended, 200, at_work.logs, every=0.25)
    assert {state(run.status) for run in at_work.runs()} == {State.SUCCEEDED}
    assert {run.status.attempt for run in at_work.runs()} == {1}
    at_work.reader.run(uninstall_runs())  # waits until the functions have removed the finalizers
    assert at_work.runs() == []


def test_the_guides_passwords_are_read_as_text_by_nats(at_work: Installed) -> None:
    """NATS reads a variable as a value of its configuration: 0e1 is a number, and 0e1f an error."""
    passwords = at_work.overlay.secrets["orchestrator-nats"].values()
    assert [each for each in passwords if not re.fullmatch(r"[a-z][\w-]{32,}", each)] == []


def test_a_request_without_a_valid_token_is_refused(at_work: Installed) -> None:
    assert at_work.post("submit-docs", dict(DOCS_SPEC))[0] == 401
    assert at_work.post("submit-code", dict(CODE_SPEC), authorization="Bearer wrong")[0] == 403


def test_the_nats_user_publisher_may_not_read_streams(at_work: Installed) -> None:
    async def refused() -> None:
        client: Client = await connect(at_work.nats("publisher"), "tests")
        try:
            with pytest.raises(NoAnswerError):
                await client.jetstream(timeout=1).stream_info("runs")
        finally:
            await client.close()

    asyncio.run(refused())


def test_the_overlay_runs_every_function_that_image_tests_leave_out(kubectl: str) -> None:
    deployed = of_kind(manifests.rendered(kubectl, "cluster"), "Deployment").values()
    variables = [each["spec"]["template"]["spec"]["containers"][0]["env"][0] for each in deployed]
    assert {each["value"] for each in variables if each["name"] == "FUNCTION_TARGET"} >= IN_THE_OVERLAY


def test_the_ingress_routes_to_the_public_functions(kubectl: str) -> None:
    items = manifests.rendered(kubectl, "cluster")
    (ingress,) = of_kind(items, "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    services = of_kind(items, "Service")
    targets = {}
    for path in rule["http"]["paths"]:
        service = services[path["backend"]["service"]["name"]]
        assert service["spec"]["selector"]["app.kubernetes.io/component"] == "public"
        targets[path["path"]] = service["metadata"]["name"]
    assert targets == {"/submit_docs": "orchestrator-submit-docs", "/submit_code": "orchestrator-submit-code"}
