"""`orchestrator doctor` names each problem of an installation, and none of a correct one.

Each test changes one answer of a correct installation. The last tests use a real queue and a real API server.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.clients.doctor import outside
from functions.clients.doctor.checks import examine
from functions.clients.doctor.finding import Examined
from functions.cluster.errors import ClusterError, Forbidden, Unavailable, from_status
from functions.manifests.crds import crd
from functions.queues import backends
from functions.runs.model.specs import SPECS
from functions.settings.model import Settings
from tests.clients.doctor_bench import (
    BINDING,
    BROKER,
    CLASSES,
    CORE,
    CRDS,
    IMAGE,
    KEY,
    MODEL_SECRET,
    NAMESPACE,
    NOW,
    RUNS,
    Bench,
    FakeTransport,
    Letters,
    Web,
    items,
    secret,
)
from tests.support.control_plane import ControlPlane
from tests.support.installed import ROOT
from tests.support.kubeconfigs import transport_of


def test_a_correct_installation_has_no_problem(bench: Bench) -> None:
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


def web(**changes: Any) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench, "web", replace(bench.web, **changes))


def queue(**given: Any) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench, "letters", Letters(**given))


def without_pull_secret(bench: Bench) -> None:
    missing(f"{CORE}/secrets/pull")(bench)
    configured(agent={**IMAGE, "pull_secrets": ["pull"]})(bench)


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
    "an expired model key": (web(models=401), "refuses the key of Secret claude-api-key (401): invalid x-api-key"),
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
    "an image that is not there": (
        web(manifest=404),
        "image: registry.example/agent has no sha256:aaa",
    ),
    "a broker's image that is not there": (
        web(broker_manifest=404),
        "image: registry.example/orchestrator has no sha256:bbb",
    ),
    "a registry's Secret that does not exist": (
        without_pull_secret,
        "image: setting agent.pull_secrets: ",
    ),
    "a registry that is not there": (
        web(down="registry.example"),
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
def test_a_problem_is_reported_by_one_check_only(bench: Bench, name: str) -> None:
    change, words = WRONG[name]
    change(bench)
    found = bench.problems()
    assert [each for each in found if words in each], found
    assert {each.partition(":")[0] for each in found} == {found[0].partition(":")[0]}, (
        "one cause is reported by one check"
    )


def test_a_check_without_permission_is_unknown_and_no_problem(bench: Bench) -> None:
    for path in (f"{CORE}/secrets", f"{CORE}/secrets/claude-api-key", BINDING, CLASSES, f"{CORE}/pods"):
        bench.api.answers[path] = Forbidden("you may not")
    found = bench.findings()
    assert [each for each in found if each.state == "problem"] == []
    unclear = {each.check for each in found if each.state == "unknown"}
    assert unclear == {"rights", "storage", "model key", "identities", "model", "pods"}


def test_the_model_key_is_not_shown_and_sent_to_the_models_api_only(bench: Bench) -> None:
    bench.web.models = 401
    assert KEY not in str(bench.findings())
    assert [url for url, headers in bench.web.sent if KEY in str(headers)] == [
        "GET https://api.anthropic.com/v1/models?limit=1"
    ]


PROVIDERS: dict[str, tuple[dict[str, str], str, str]] = {
    "a gateway": ({"provider": "gateway", "url": "https://models.example/"}, "https://models.example", "Bearer "),
    "an OAuth token": ({"credential": "oauth_token"}, "https://api.anthropic.com", "Bearer "),
    "a proxy of the API": ({"url": "https://models.example"}, "https://models.example", ""),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_model_check_uses_the_configured_endpoint_and_header(bench: Bench, name: str) -> None:
    bench.settings["model"], url, scheme = PROVIDERS[name]
    assert [each.state for each in bench.findings() if each.check == "model"] == ["ok"]
    asked, headers = next((url, headers) for url, headers in bench.web.sent if KEY in str(headers))
    assert asked == f"GET {url}/v1/models?limit=1"
    assert headers["Authorization" if scheme else "x-api-key"] == f"{scheme}{KEY}"


def test_the_model_check_of_a_cloud_provider_is_unknown(bench: Bench) -> None:
    bench.settings["model"] = {"provider": "bedrock", "region": "us-east-1"}
    (found,) = (each for each in bench.findings() if each.check == "model")
    assert (found.state, KEY in str(bench.web.sent)) == ("unknown", False)


def test_rights_are_checked_on_a_real_api_server(installed_plane: ControlPlane) -> None:
    """The namespace is that of infra/kubernetes/base, whose binding names a user."""
    admin = transport_of(installed_plane.kubeconfig)
    settings = Settings.model_validate({"agent": IMAGE, "broker": BROKER})
    examined = Examined(settings, admin, Web().fetch, None, lambda: datetime.now(UTC))
    found = {each.check: each for each in examine(examined)}
    assert found["rights"].state == found["clock"].state == found["definitions"].state == "ok", found
    assert "orchestrator-functions has those of" in found["rights"].text


def test_the_queue_check_passes_after_queues_apply(nats_server: str) -> None:
    queues = {"nats": {"servers": [nats_server]}, "prefix": "doctor-", "endpoints": {"sweep": "http://127.0.0.1:1/"}}
    settings = Settings.model_validate({"agent": IMAGE, "broker": BROKER, "queues": queues})
    examined = Examined(settings, FakeTransport(), Web().fetch, None, lambda: NOW)
    (before,) = outside.queue(examined)
    assert list(backends.apply(settings.queues))
    (after,) = outside.queue(examined)
    assert (before.state, after.state) == ("problem", "ok"), (before, after)
    assert "stream doctor-sweep, " in before.text
    assert "consumer doctor-sweep/sweep-sweep: not there" in before.text


def test_the_command_names_a_wrong_setting_and_exits_with_1(tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "ORCHESTRATOR_AGENT__IMAGE": "a"}
    environ |= {"ORCHESTRATOR_BROKER__IMAGE": "b", "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(tmp_path / "none")}
    command = [sys.executable, "-m", "functions.clients", "doctor", "-o", "json"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert {"api server", "queue"} <= {each["check"] for each in found if each["state"] == "problem"}
    assert "problems found" in done.stderr
