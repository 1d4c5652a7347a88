"""infra/kubernetes/components/people on a real API server: it grants the rights of every `runs` command and no others.

granted           runs are listed, and the log of one is read (from a fake kubelet)
one right less    the command that needs it is refused and names it, so every right is needed
not granted       creating or deleting a run, writing a status, reading Secrets, exec in a pod; other namespaces

The other commands with these rights: test_runs_cluster.py.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cluster.client import Cluster
from functions.cluster.kinds import NAMESPACE, POD, RUNS, Kind
from functions.cluster.transport import Request, Transport
from functions.runs import api_group
from tests.clients.conftest import Ended
from tests.clients.in_process_cli import command
from tests.clients.place import condition
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.control_plane import ControlPlane
from tests.support.github import certificate
from tests.support.installed import KUBERNETES, Right, apply, kustomized, rights
from tests.support.kubeconfigs import cluster_of, transport_of
from tests.support.waiting import until

PERSON = "orchestrator-functions"
"""A user without rights in the namespace of these tests except those bound here."""
NAME = "people-rights"
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
NODE = Kind("v1", "Node", "nodes")
COMPONENT = KUBERNETES / "components" / "people"
(THE_ROLE, THE_BINDING) = yaml.safe_load_all((COMPONENT / "people.yaml").read_text())
GRANTED = rights(THE_ROLE)


@dataclass(frozen=True)
class Installed:
    """The namespace with the component, for its administrator and for a person bound there."""

    admin: Cluster
    person: Transport
    kubeconfig: Path

    def runs(self, *arguments: str) -> Ended:
        return command("runs", *arguments, KUBECONFIG=str(self.kubeconfig), ORCHESTRATOR_NAMESPACE=NAME)

    def may(self, right: Right, namespace: str = NAME) -> bool:
        verb, api, resource = right
        name, _, subresource = resource.partition("/")
        asked = {"namespace": namespace, "verb": verb, "group": api, "resource": name, "subresource": subresource}
        kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer: Any = self.person.send(Request("POST", path, {}, {**kind, "spec": {"resourceAttributes": asked}}))
        return bool(answer["status"]["allowed"])

    def give(self, rights: list[Right]) -> None:
        """Make the Role grant these rights only."""
        rules = [{"verbs": [verb], "apiGroups": [api], "resources": [resource]} for verb, api, resource in rights]
        self.admin.patch(ROLE, NAME, THE_ROLE["metadata"]["name"], {"rules": rules})
        self.wait(rights)

    def wait(self, rights: list[Right]) -> None:
        """Wait until the API server grants exactly these of the component's rights."""
        until(lambda: [right for right in GRANTED if self.may(right)] == rights)


@pytest.fixture(scope="module")
def installed(
    installed_plane: ControlPlane, program: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    admin = cluster_of(installed_plane.kubeconfig)
    made = admin.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}})
    kubectl, folder = program("kubectl", "see kubernetes.io, Install Tools"), tmp_path_factory.mktemp("people")
    apply(kubectl, installed_plane, kustomized(kubectl, _for_person(folder)))
    kubeconfig = installed_plane.kubeconfig_of(PERSON)
    person = transport_of(kubeconfig)
    found = Installed(admin, person, kubeconfig)
    found.wait(GRANTED)
    for kind, base in (("CodeRun", CODE_SPEC), ("DocsRun", DOCS_SPEC)):
        _put(admin, kind, base)
    yield found
    admin.delete(NAMESPACE, None, NAME, made["metadata"]["uid"])


def _for_person(folder: Path) -> Path:
    """Write a kustomization of the component in the namespace, with the person in place of the group."""
    subject = [{"op": "replace", "path": "/subjects/0", "value": {**_USER, "name": PERSON}}]
    made = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAME,
        "components": [os.path.relpath(COMPONENT, folder.resolve())],
        "patches": [{"target": {"kind": "RoleBinding"}, "patch": yaml.safe_dump(subject)}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(made))
    return folder


_USER = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io"}


def _put(admin: Cluster, kind: str, base: Any) -> None:
    """Create a running run, named like its kind."""
    name = kind.lower()
    metadata = {"name": name, "namespace": NAME}
    item = {"apiVersion": api_group.API_VERSION, "kind": kind, "metadata": metadata, "spec": dict(base)}
    admin.create(RUNS[kind], item)
    attempt = {"attempt": 1, "generation": 1, "jobName": f"{name}-1", "startedAt": "2026-01-02T03:04:05Z"}
    status = {"phase": "Running", "attempt": 1, "attempts": [attempt], "conditions": condition("Unknown", "Running")}
    admin.patch(RUNS[kind], NAME, name, {"status": status}, "status")


@pytest.fixture(scope="module")
def pod(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Create the pod of CodeRun/coderun, which has ended, on a node with a fake kubelet."""

    class Kubelet(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lines = b"2026-01-02T03:04:06Z done\n" if self.path.startswith(f"/containerLogs/{NAME}/coderun/") else b""
            self.send_response(200)
            self.send_header("Content-Length", str(len(lines)))
            self.end_headers()
            self.wfile.write(lines)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Kubelet)
    context = certificate.make(tmp_path_factory.mktemp("kubelet")).context()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    node = installed.admin.create(NODE, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}})
    endpoints = {"kubeletEndpoint": {"Port": server.server_address[1]}}
    status = {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}], "daemonEndpoints": endpoints}
    installed.admin.patch(NODE, None, NAME, {"status": status}, "status")
    metadata = {"name": "coderun", "namespace": NAME, "labels": {"job-name": "coderun-1"}}
    spec = {"nodeName": NAME, "containers": [{"name": "agent", "image": "none.example/none"}]}
    installed.admin.create(POD, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    installed.admin.patch(POD, NAME, "coderun", {"status": {"phase": "Succeeded"}}, "status")
    yield
    installed.admin.delete(NODE, None, NAME, node["metadata"]["uid"])
    server.shutdown()
    server.server_close()


def test_the_binding_names_a_group_to_change_and_the_role() -> None:
    (subject,) = THE_BINDING["subjects"]
    assert subject["kind"] == "Group"
    assert THE_BINDING["roleRef"]["name"] == THE_ROLE["metadata"]["name"]


@pytest.mark.usefixtures("pod")
def test_the_component_allows_reading_logs_and_lists(installed: Installed) -> None:
    found = installed.runs("logs", "code/coderun")
    assert (found.code, found.out) == (0, "done\n"), found.err
    listed = installed.runs("list")
    assert {line.split()[0] for line in listed.out.splitlines() if line} == {"TITLE", "Task", "Document"}


NEEDED: dict[Right, tuple[str, ...]] = {
    **{
        (verb, api_group.GROUP, f"{kind}runs"): (*command, *arguments)
        for kind in ("code", "docs")
        for verb, command, arguments in (
            ("get", ("get",), (f"{kind}/{kind}run",)),
            ("list", ("list",), ("--kind", kind)),
            ("watch", ("watch",), (f"{kind}/{kind}run",)),
            ("patch", ("cancel",), (f"{kind}/{kind}run",)),
        )
    },
    ("list", "", "pods"): ("logs", "code/coderun"),
    ("get", "", "pods"): ("logs", "code/coderun", "--attempt", "1", "--follow"),
    ("get", "", "pods/log"): ("logs", "code/coderun"),
}
"""Each right, and a command that needs it."""


def test_every_granted_right_has_a_command_that_needs_it() -> None:
    assert set(NEEDED) == set(GRANTED)


@pytest.mark.usefixtures("pod")
@pytest.mark.parametrize("right", NEEDED, ids=lambda right: " ".join(filter(None, right)))
def test_a_command_without_its_right_is_refused_and_names_it(installed: Installed, right: Right) -> None:
    installed.give([each for each in GRANTED if each != right])
    refused = installed.runs(*NEEDED[right])
    verb, api, resource = right
    assert refused.code == 1, refused.out
    assert f'cannot {verb} resource "{resource}" in API group "{api}"' in refused.err
    assert f"request rights in namespace {NAME}" in refused.err


NOT_GIVEN: list[Right] = [
    *((verb, api_group.GROUP, kind) for verb in ("create", "update", "delete") for kind in ("coderuns", "docsruns")),
    *(("patch", api_group.GROUP, f"{kind}/status") for kind in ("coderuns", "docsruns")),
    ("get", "", "secrets"),
    ("list", "", "secrets"),
    ("create", "", "pods"),
    ("create", "", "pods/exec"),
    ("delete", "", "pods"),
    ("get", "", "configmaps"),
    ("create", "batch", "jobs"),
    ("patch", "batch", "jobs"),
]


def test_the_component_grants_no_other_right_and_no_other_namespace(installed: Installed) -> None:
    installed.give(GRANTED)
    assert [right for right in NOT_GIVEN if installed.may(right)] == []
    assert [right for right in GRANTED if installed.may(right, "kube-system")] == []
