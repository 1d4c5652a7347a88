"""infra/kubernetes/cluster at work: its pods as processes carry a docs and a code run to the end.

Real are the API server with its Job controller, RBAC and tokens of service accounts, the NATS server with the overlay's
configuration and its two users, and all processes. A test plays the kubelet.

| asked                                                 | expected                                               |
|-------------------------------------------------------|--------------------------------------------------------|
| POST to the public functions with a caller's token    | 201; the run ends as Succeeded, one attempt, reported  |
| an event on NATS from the user `publisher`            | a run, too                                             |
| POST without a token                                  | 401                                                    |
| every probe of every pod                              | 200 where the manifests say                            |
| user `publisher`: read or change streams              | refused                                                |
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from nats.aio.client import Client
from nats.errors import TimeoutError as NoAnswerError
from pydantic import SecretStr

from functions.cluster.client import Cluster
from functions.cluster.kinds import RUNS
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.events.event import Event, requested
from functions.queues.backends.nats.connection import connect
from functions.queues.backends.nats.publisher import NatsPublisher
from functions.runs.lifecycle.states import State, state
from functions.runs.model.run import Run, parse
from functions.settings.cluster import ClusterSettings
from functions.settings.nats import NatsSettings
from tests.infra import manifests
from tests.infra.manifests import of_kind
from tests.infra.overlay_processes import NAMESPACE, Overlay, PodProcess, running
from tests.queues.machine import Kubelet, until
from tests.support import installed
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.control_plane import ControlPlane
from tests.support.node import SimulatedKubelet

SECRETS = {
    "orchestrator-nats": {"publisher": "publisher-s3cret", "dispatch": "dispatch-s3cret"},
    "orchestrator-tokens": {"callers": '{"ci": "t0ken", "queue": "dispatch-t0ken"}', "dispatch": "dispatch-t0ken"},
}


@dataclass
class Installed:
    """The overlay at work."""

    overlay: Overlay
    processes: list[PodProcess]
    cluster: Cluster

    def nats(self, user: str) -> NatsSettings:
        url = f"nats://{self.overlay.address('orchestrator-nats', 4222)}"
        return NatsSettings(servers=[url], user=user, password=SecretStr(SECRETS["orchestrator-nats"][user]))

    def post(self, function: str, spec: Any, **headers: str) -> tuple[int, Any]:
        url = f"http://{self.overlay.address(f'orchestrator-{function}', 80)}/"
        given = {"content-type": "application/json", **headers}
        answer = urllib3.request("POST", url, body=json.dumps(spec), headers=given, retries=False, timeout=60)
        return answer.status, answer.json()

    def runs(self) -> list[Run]:
        return [parse(raw) for kind in RUNS.values() for raw in self.cluster.list(kind, NAMESPACE)]

    def logs(self) -> str:
        tails = {each.target: each.log.read_text()[-600:] for each in self.processes}
        return json.dumps({"runs": [f"{run.name} {run.status.phase}" for run in self.runs()], **tails}, indent=1)


@pytest.fixture(scope="module")
def at_work(
    installed_plane: ControlPlane, kubectl: str, nats_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    items = manifests.rendered(kubectl, "cluster")
    served = manifests.served(kubectl, installed_plane, items)
    installed.apply(kubectl, installed_plane, yaml.safe_dump_all(served).encode())
    cluster = Cluster(KubernetesTransport(ClusterSettings(kubeconfig=str(installed_plane.kubeconfig))))
    overlay = Overlay(items, installed_plane, kubectl, SECRETS, tmp_path_factory.mktemp("overlay"))
    kubelet = Kubelet(cluster, SimulatedKubelet(cluster))
    try:
        with running(overlay, "orchestrator-nats") as processes:
            found = Installed(overlay, processes, cluster)
            until(lambda: all(healthy(overlay, name) for name in overlay.workloads()), 100, found.logs)
            yield found
    finally:
        kubelet.stop()


def healthy(overlay: Overlay, name: str) -> bool:
    """Whether every probe of the workload is answered with 200."""
    container = overlay.container(overlay.workloads()[name])
    probes = [container[each]["httpGet"] for each in container if each.endswith("Probe")]
    assert probes
    return all(is_answered(f"http://127.0.0.1:{overlay.ports[name, each['port']]}{each['path']}") for each in probes)


def is_answered(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=10).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@pytest.mark.timeout(400)
def test_docs_and_code_runs_go_through_nats_to_their_end(at_work: Installed) -> None:
    bearer = {"authorization": "Bearer t0ken"}
    docs = at_work.post("submit-docs", dict(DOCS_SPEC), **bearer)
    code = at_work.post("submit-code", dict(CODE_SPEC), **bearer)
    assert (docs[0], code[0]) == (201, 201), (docs, code)
    spec = {**CODE_SPEC, "taskId": 77, "service": "by-event"}
    NatsPublisher(at_work.nats("publisher")).publish(
        "code-requested", Event("one", "/tests", requested("code"), "", spec)
    )

    def ended() -> bool:
        runs = at_work.runs()
        return len(runs) == 3 and {run.status.reported for run in runs} == {"1/succeeded"}

    until(ended, 200, at_work.logs)
    assert {state(run.status) for run in at_work.runs()} == {State.SUCCEEDED}
    assert {run.status.attempt for run in at_work.runs()} == {1}


def test_without_a_token_nothing_is_submitted(at_work: Installed) -> None:
    assert at_work.post("submit-docs", dict(DOCS_SPEC))[0] == 401
    assert at_work.post("submit-code", dict(CODE_SPEC), authorization="Bearer wrong")[0] == 403


def test_the_publishers_user_can_publish_and_nothing_else(at_work: Installed) -> None:
    async def refused() -> None:
        client: Client = await connect(at_work.nats("publisher"), "tests")
        try:
            with pytest.raises(NoAnswerError):
                await client.jetstream(timeout=1).stream_info("runs")
        finally:
            await client.close()

    asyncio.run(refused())


def test_every_secret_that_pods_refer_to_is_documented(kubectl: str) -> None:
    used: dict[str, set[str]] = {}
    for item in manifests.rendered(kubectl, "cluster"):
        for pod in manifests.pods(item):
            for variable in pod["spec"]["containers"][0]["env"]:
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference:
                    used.setdefault(reference["name"], set()).add(reference["key"])
    assert used == {name: set(values) for name, values in SECRETS.items()}
    guide = (Path(__file__).parents[2] / "docs/install-cluster.md").read_text()
    for name, keys in used.items():
        assert f"create secret generic {name} " in guide
        for key in keys:
            assert f"--from-file={key}=" in guide or f"--from-literal={key}=" in guide


def test_the_ingress_leads_to_the_public_functions(kubectl: str) -> None:
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
