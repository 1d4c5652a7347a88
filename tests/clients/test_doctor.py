"""`orchestrator doctor` names each way in which an installation is wrong, and finds nothing in one that is right.

The API server is played: each test changes one answer of an installation that is right. The GitHub App, the registry
and the model's API are played over HTTP or as a function; the last test asks a real API server about rights.
"""

import base64
import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.clients.doctor import outside
from functions.clients.doctor.checks import examine
from functions.clients.doctor.finding import Examined, Finding
from functions.cluster.errors import ClusterError, Forbidden, Unavailable, from_status
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.cluster.transport import Request
from functions.github import app_manifest
from functions.github.api import client
from functions.github.webhook.rules import router
from functions.manifests.crds import crd
from functions.queues import backends
from functions.queues.dead_letters import DeadLetterError
from functions.queues.topology import TOPICS
from functions.runs.model.specs import SPECS
from functions.settings import Settings
from functions.settings.cluster import ClusterSettings
from functions.settings.queues import QueueSettings
from tests.support import github as played_github
from tests.support.control_plane import ControlPlane
from tests.support.installed import ROOT

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
NAMESPACE = "orchestrator"
KEY = "sk-ant-test"
PEM = "-----BEGIN RSA PRIVATE KEY-----\n"
CORE, RBAC = f"/api/v1/namespaces/{NAMESPACE}", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
BINDING = f"{RBAC}/rolebindings/orchestrator-functions"
RUNS = f"/apis/agents.platform/v1/namespaces/{NAMESPACE}"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
IMAGE = {"image": "registry.example/agent", "tag": "1.0@sha256:" + "a" * 64}


def secret(name: str, **values: str) -> dict[str, Any]:
    data = {key.replace("_", "-"): base64.b64encode(text.encode()).decode() for key, text in values.items()}
    return {"metadata": {"name": name}, "data": data}


def items(*objects: Any) -> dict[str, Any]:
    return {"items": list(objects), "metadata": {}}


MODEL_SECRET = secret("claude-api-key", api_key=KEY)
APP_SECRET = secret("github-app-rex", app_id="1", private_key=PEM)


def right() -> dict[str, Any]:
    """The answers of an installation that is right, by path."""
    account = {"kind": "ServiceAccount", "name": "orchestrator-functions", "namespace": NAMESPACE}
    standard = {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    return {
        "/version": {"gitVersion": "v1.31.2"},
        f"{CORE}/configmaps": {**items(), "metadata": {"creationTimestamp": "2026-03-04T12:00:01Z"}},
        f"/api/v1/namespaces/{NAMESPACE}": {"metadata": {"name": NAMESPACE}, "status": {"phase": "Active"}},
        f"{RUNS}/coderuns": items(),
        f"{RUNS}/docsruns": items(),
        **{f"{CRDS}/{found['metadata']['name']}": found for found in map(crd, SPECS.values())},
        BINDING: {"subjects": [account]},
        "/apis/authorization.k8s.io/v1/subjectaccessreviews": {"status": {"allowed": True}},
        CLASSES: items({"metadata": standard}),
        f"{CORE}/secrets/claude-api-key": MODEL_SECRET,
        f"{CORE}/secrets": items(MODEL_SECRET, APP_SECRET),
        f"{CORE}/pods": items({"metadata": {"name": "bridge"}, "status": {"phase": "Running"}}),
        f"{CORE}/resourcequotas": items(),
    }


@dataclass
class PlayedTransport:
    """Answers each path with an object, or with an error."""

    answers: dict[str, Any] = field(default_factory=right)
    every: ClusterError | None = None

    def send(self, request: Request) -> Any:
        found = self.every or self.answers[request.path]
        if isinstance(found, ClusterError):
            raise found
        return copy.deepcopy(found)

    def stream(self, request: Request) -> Iterator[Any]:
        raise AssertionError(f"nothing is streamed: {request.path}")


class Letters:
    """A queue that has this many dead letters in `runs`, lacks something, or does not answer."""

    def __init__(self, count: int = 0, error: str = "", missing: str = "") -> None:
        self.count, self.error, self.missing = count, error, missing

    def apply(self, _settings: QueueSettings, *, dry_run: bool) -> Iterator[str]:
        assert dry_run
        yield "topic runs: as it should be"
        yield from ([f"{self.missing}: would be created"] if self.missing else [])

    def list(self, topic: str) -> list[None]:
        if self.error or topic not in TOPICS:
            raise DeadLetterError(self.error or f"topic {topic} does not exist")
        return [None] * self.count if topic == "runs" else []


@dataclass
class Web:
    """The registry and the model's API."""

    manifest: int = 200
    models: int = 200
    down: str = ""
    sent: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def fetch(self, method: str, url: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        self.sent.append((f"{method} {url}", headers))
        if self.down and self.down in url:
            raise OSError("connection refused")
        refusal = json.dumps({"error": {"message": "invalid x-api-key"}}).encode()
        return (self.manifest, {}, b"") if "/manifests/" in url else (self.models, {}, refusal)


@dataclass
class Bench:
    """An installation that is right until a test changes it."""

    monkeypatch: pytest.MonkeyPatch
    api: PlayedTransport = field(default_factory=PlayedTransport)
    web: Web = field(default_factory=Web)
    letters: Letters = field(default_factory=Letters)
    settings: dict[str, Any] = field(default_factory=lambda: {"agent": IMAGE})
    github: client.Github | None = None

    def examined(self) -> Examined:
        settings = Settings.model_validate(self.settings)
        return Examined(settings, self.api, self.web.fetch, self.github, lambda: NOW, {})

    def findings(self) -> list[Finding]:
        self.monkeypatch.setattr(backends, "dead_letters", lambda _: self.letters)
        self.monkeypatch.setattr(backends, "apply", self.letters.apply)
        return list(examine(self.examined()))

    def problems(self) -> list[str]:
        return [f"{each.check}: {each.text}" for each in self.findings() if each.state == "problem"]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_nothing_is_found_in_an_installation_that_is_right(bench: Bench) -> None:
    found = bench.findings()
    assert [each for each in found if each.state != "ok"] == []
    checks = (
        "api server, clock, namespace, definitions, rights, storage, model key, identities, model, pods, queue, image"
    )
    assert {each.check for each in found} >= set(checks.split(", "))


def missing(path: str) -> Callable[[Bench], None]:
    gone = from_status(404, {"message": "not found", "details": {"name": "x"}})
    return lambda bench: bench.api.answers.update({path: gone})


def answering(path: str, answer: Any) -> Callable[[Bench], None]:
    return lambda bench: bench.api.answers.update({path: answer})


def configured(**sections: Any) -> Callable[[Bench], None]:
    return lambda bench: bench.settings.update(sections)


def failing(error: ClusterError) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench.api, "every", error)


def played(**changes: Any) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench, "web", replace(bench.web, **changes))


def queue(**given: Any) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench, "letters", Letters(**given))


def outdated() -> dict[str, Any]:
    found = crd(SPECS["CodeRun"])
    del found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["taskId"]
    return found


def waiting(reason: str) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": "manifest unknown"}}
    return items(
        {
            "metadata": {"name": "run-1"},
            "status": {"containerStatuses": [{"image": "r/agent:9", "state": state}]},
        }
    )


FULL = {"metadata": {"name": "agents"}, "status": {"hard": {"pods": "5"}, "used": {"pods": "5"}}}
LATE = {"metadata": {"creationTimestamp": (NOW + timedelta(minutes=5)).isoformat()}}
NOT_SERVED = from_status(404, {"message": "the server could not find the requested resource"})
NO_KEY = {"metadata": {"name": "claude-api-key"}, "data": {"key": "eA=="}}

WRONG: dict[str, tuple[Callable[[Bench], None], str]] = {
    "no API server": (failing(Unavailable("no answer")), "api server: no answer; is the cluster up"),
    "refused credentials": (failing(Forbidden("Unauthorized")), "api server: the credentials of cluster.kubeconfig"),
    "not Kubernetes": (failing(NOT_SERVED), "does cluster.kubeconfig name a Kubernetes API server"),
    "an old cluster": (
        answering("/version", {"gitVersion": "v1.27.3-gke.100"}),
        "version: the cluster runs Kubernetes v1.27.3-gke.100; 1.29 or newer is needed",
    ),
    "a wrong clock": (answering(f"{CORE}/configmaps", LATE), "clock: this machine and the API server are 300 s apart"),
    "no namespace": (missing(f"/api/v1/namespaces/{NAMESPACE}"), "namespace: namespace orchestrator does not exist"),
    "a namespace being deleted": (
        answering(f"/api/v1/namespaces/{NAMESPACE}", {"status": {"phase": "Terminating"}}),
        "namespace: namespace orchestrator is being deleted",
    ),
    "a missing definition": (
        answering(f"{RUNS}/coderuns", NOT_SERVED),
        "definitions: CodeRun is not served as agents.platform/v1: kubectl apply --kustomize crds",
    ),
    "an old definition": (
        answering(f"{CRDS}/coderuns.agents.platform", outdated()),
        "definitions: CodeRun lacks spec.taskId: it is of another version",
    ),
    "no binding": (missing(BINDING), "rights: RoleBinding orchestrator-functions does not exist"),
    "a binding without a subject": (
        answering(BINDING, {}),
        "rights: RoleBinding orchestrator-functions has no subject",
    ),
    "no rights": (
        answering("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"status": {"allowed": False}}),
        "rights: orchestrator-functions may not create coderuns",
    ),
    "no default class": (answering(CLASSES, items()), "storage: the cluster has no default StorageClass"),
    "an unknown class": (
        configured(job={"workspace_class": "fast"}),
        "storage: setting job.workspace_class: there is no StorageClass fast; there are standard",
    ),
    "no model key": (
        missing(f"{CORE}/secrets/claude-api-key"),
        "model key: Secret claude-api-key does not exist: kubectl --namespace orchestrator create secret",
    ),
    "a wrong key in the secret": (
        answering(f"{CORE}/secrets/claude-api-key", NO_KEY),
        "model key: Secret claude-api-key has no value at api-key",
    ),
    "a line break after the key": (
        answering(f"{CORE}/secrets/claude-api-key", secret("claude-api-key", api_key=f"{KEY}\n")),
        "model key: Secret claude-api-key, api-key: ends with a blank or line break",
    ),
    "an expired model key": (played(models=401), "refuses the key of Secret claude-api-key (401): invalid x-api-key"),
    "no identity": (
        answering(f"{CORE}/secrets", items(MODEL_SECRET)),
        "identities: no agent has an identity on GitHub",
    ),
    "half an identity": (
        answering(f"{CORE}/secrets", items(secret("github-app-rex", app_id="1"))),
        "identities: Secret github-app-rex: lacks private-key",
    ),
    "an identity that is no key": (
        answering(f"{CORE}/secrets", items(secret("github-ssh-octocat", ssh_privatekey="ssh-ed25519 AAAA"))),
        "identities: Secret github-ssh-octocat: ssh-privatekey is no private key in PEM form",
    ),
    "an image that is not there": (played(manifest=404), "image: registry.example/agent has no sha256:aaa"),
    "a registry that is not there": (
        played(down="registry.example"),
        "image: registry registry.example does not answer",
    ),
    "a pod that cannot start": (
        answering(f"{CORE}/pods", waiting("ImagePullBackOff")),
        "pods: run-1 runs r/agent:9: ImagePullBackOff: manifest unknown",
    ),
    "a full quota": (answering(f"{CORE}/resourcequotas", items(FULL)), "quota: ResourceQuota agents: 5 of 5 pods"),
    "a queue that does not answer": (
        queue(error="no queue is configured"),
        "queue: no queue is configured; is it set up",
    ),
    "a subscription that is missing": (
        queue(missing="subscription runs-report"),
        "queue: subscription runs-report: not there; orchestrator queues apply",
    ),
    "dead letters": (queue(count=3), "queue: messages could not be delivered (runs: 3)"),
    "a paused installation": (configured(limits={"runs": 0}), "limits: setting limits.runs is 0"),
    "incomplete templates": (configured(templates=str(ROOT / "docs")), "templates: "),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_alone(bench: Bench, name: str) -> None:
    change, words = WRONG[name]
    change(bench)
    found = bench.problems()
    assert [each for each in found if words in each], found
    assert {each.partition(":")[0] for each in found} == {found[0].partition(":")[0]}, "one cause, one check"


def test_what_may_not_be_read_is_unknown_and_no_problem(bench: Bench) -> None:
    for path in (f"{CORE}/secrets", f"{CORE}/secrets/claude-api-key", BINDING, CLASSES, f"{CORE}/pods"):
        bench.api.answers[path] = Forbidden("you may not")
    found = bench.findings()
    assert [each for each in found if each.state == "problem"] == []
    unclear = {each.check for each in found if each.state == "unknown"}
    assert unclear == {"rights", "storage", "model key", "identities", "model", "pods"}


def test_no_secret_is_shown_or_sent_elsewhere(bench: Bench) -> None:
    bench.web.models = 401
    assert KEY not in str(bench.findings())
    assert [url for url, headers in bench.web.sent if KEY in str(headers)] == [
        "GET https://api.anthropic.com/v1/models?limit=1"
    ]


@pytest.fixture
def github(bench: Bench) -> Iterator[played_github.Github]:
    """The App of the installation, at a GitHub that is played over HTTP."""
    with played_github.serving(played_github.Github()) as site:
        site.app.events = list(app_manifest.EVENTS)
        site.repository("acme/shop")
        bench.github = client.connect(site.settings(), lambda: datetime.now(UTC))
        yield site


def test_an_app_that_is_right_has_no_problem(bench: Bench, github: played_github.Github) -> None:
    assert bench.problems() == []


def test_a_permission_that_the_app_lacks_is_named(bench: Bench, github: played_github.Github) -> None:
    github.app.permissions |= {"checks": "read"}
    del github.app.permissions["statuses"]
    (found,) = bench.problems()
    assert found.startswith("GitHub App: lacks the permissions checks: write, statuses: read: grant them at GitHub")


def test_an_event_that_the_app_is_not_subscribed_to_is_named(bench: Bench, github: played_github.Github) -> None:
    github.app.events.remove("check_run")
    (found,) = bench.problems()
    assert found.startswith("GitHub App: is not subscribed to check_run: subscribe at GitHub")


def test_an_app_that_is_installed_nowhere_is_named(bench: Bench, github: played_github.Github) -> None:
    github.repositories.clear()
    (found,) = bench.problems()
    assert found.startswith("GitHub App: is installed nowhere")


def test_a_key_of_another_app_is_named(bench: Bench, github: played_github.Github) -> None:
    github.app.id, github.app.client_id = 7, "other"
    (found,) = bench.problems()
    assert "GitHub App: GitHub does not accept the key: GitHub answered 401: Integration not found" in found


def test_deliveries_that_fail_are_named(bench: Bench, github: played_github.Github) -> None:
    github.hook.send = lambda *_: 401
    github.hook.deliver("issue_comment", {"action": "created"})
    (found,) = bench.problems()
    assert found.startswith("webhook: the last delivery (issue_comment) failed")


def test_events_are_those_that_rules_read() -> None:
    assert router.events() - {"installation", "installation_repositories"} == set(app_manifest.EVENTS)


def test_rights_are_asked_of_a_real_api_server(installed_plane: ControlPlane) -> None:
    """In the namespace of infra/kubernetes/base, whose binding names a user."""
    admin = KubernetesTransport(ClusterSettings(kubeconfig=str(installed_plane.kubeconfig)))
    settings = Settings.model_validate({"agent": IMAGE})
    examined = Examined(settings, admin, Web().fetch, None, lambda: datetime.now(UTC), {})
    found = {each.check: each for each in examine(examined)}
    assert found["rights"].state == found["clock"].state == found["definitions"].state == "ok", found
    assert "orchestrator-functions has those of" in found["rights"].text


def test_a_queue_is_complete_once_it_was_applied(nats_server: str) -> None:
    queues = {"nats": {"servers": [nats_server]}, "prefix": "doctor-", "endpoints": {"sweep": "http://127.0.0.1:1/"}}
    settings = Settings.model_validate({"agent": IMAGE, "queues": queues})
    examined = Examined(settings, PlayedTransport(), Web().fetch, None, lambda: NOW, {})
    (before,) = outside.queue(examined)
    assert list(backends.apply(settings.queues))
    (after,) = outside.queue(examined)
    assert (before.state, after.state) == ("problem", "ok"), (before, after)
    assert "stream doctor-sweep, " in before.text
    assert "consumer doctor-sweep/sweep-sweep: not there" in before.text


def test_the_command_names_a_wrong_setting_and_exits_with_1(tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent"}
    environ |= {"ORCHESTRATOR_CLUSTER__KUBECONFIG": str(tmp_path / "none")}
    command = [sys.executable, "-m", "functions.clients", "doctor", "-o", "json"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert {"api server", "queue"} <= {each["check"] for each in found if each["state"] == "problem"}
    assert "problems found" in done.stderr
