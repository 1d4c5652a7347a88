"""A correct installation for tests of `orchestrator doctor`; a test changes one of its answers.

The API server, the queue, the registry and the model's API are fakes.
"""

import base64
import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.clients.doctor.checks import examine
from functions.clients.doctor.finding import Examined, Finding
from functions.cluster.errors import ClusterError
from functions.cluster.transport import Request
from functions.github.api import client
from functions.manifests.crds import crd
from functions.queues import backends
from functions.queues.dead_letters import DeadLetterError
from functions.queues.topology import TOPICS
from functions.runs.model.specs import SPECS
from functions.settings.model import Settings
from functions.settings.queues import QueueSettings

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
BROKER = {"image": "registry.example/orchestrator", "tag": "1.0@sha256:" + "b" * 64}


def secret(name: str, **values: str) -> dict[str, Any]:
    data = {key.replace("_", "-"): base64.b64encode(text.encode()).decode() for key, text in values.items()}
    return {"metadata": {"name": name}, "data": data}


def items(*objects: Any) -> dict[str, Any]:
    return {"items": list(objects), "metadata": {}}


MODEL_SECRET = secret("claude-api-key", api_key=KEY)
APP_SECRET = secret("github-app-rex", app_id="1", private_key=PEM)


def right() -> dict[str, Any]:
    """Return the answers of a correct installation, by path."""
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
class FakeTransport:
    """Answers each path with an object or an error."""

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
    """A queue with this many dead letters in `runs`, with a missing part, or without an answer."""

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
    """A fake of the registry and of the model's API."""

    manifest: int = 200
    broker_manifest: int = 200
    models: int = 200
    down: str = ""
    challenge: str = ""
    """The registry's WWW-Authenticate header; empty: no authentication."""
    password: str = ""
    """The accepted Basic credentials; empty: a token for every caller."""
    sent: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def fetch(self, method: str, url: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        self.sent.append((f"{method} {url}", headers))
        if self.down and self.down in url:
            raise OSError("connection refused")
        if "/manifests/" in url or url.startswith("https://auth.example/token?"):
            return self.registry(url, headers.get("Authorization", ""))
        refusal = json.dumps({"error": {"message": "invalid x-api-key"}}).encode()
        return self.models, {}, refusal

    def registry(self, url: str, authorization: str) -> tuple[int, Mapping[str, str], bytes]:
        known = authorization == f"Basic {self.password}" if self.password else True
        if "/token?" in url:
            assert "scope=repository%3Aagent%3Apull" in url  # the fake registry has one scope for all images
            return (200, {}, b'{"token": "t0ken"}') if known else (401, {}, b"")
        by_token = self.challenge.startswith("Bearer")
        if not self.challenge or (authorization == "Bearer t0ken" if by_token else known):
            return self.broker_manifest if "/orchestrator/" in url else self.manifest, {}, b""
        return 401, {"www-authenticate": self.challenge}, b""


@dataclass
class Bench:
    """An installation that is correct until a test changes it."""

    monkeypatch: pytest.MonkeyPatch
    api: FakeTransport = field(default_factory=FakeTransport)
    web: Web = field(default_factory=Web)
    letters: Letters = field(default_factory=Letters)
    settings: dict[str, Any] = field(default_factory=lambda: {"agent": IMAGE, "broker": BROKER})
    github: client.Github | None = None

    def examined(self) -> Examined:
        settings = Settings.model_validate(self.settings)
        return Examined(settings, self.api, self.web.fetch, self.github, lambda: NOW)

    def findings(self) -> list[Finding]:
        self.monkeypatch.setattr(backends, "dead_letters", lambda _: self.letters)
        self.monkeypatch.setattr(backends, "apply", self.letters.apply)
        return list(examine(self.examined()))

    def problems(self) -> list[str]:
        return [f"{each.check}: {each.text}" for each in self.findings() if each.state == "problem"]
