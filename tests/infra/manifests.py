"""All objects of a cluster: those that infra/ declares, and the Jobs rendered for runs."""

import functools
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from functions.manifests import attempt
from functions.runs.model.run import parse
from tests.support.builders import raw_run, settings, with_attempt
from tests.support.control_plane import ControlPlane
from tests.support.installed import KUBERNETES, kustomized

KUSTOMIZATIONS = sorted(file.parent.name for file in KUBERNETES.glob("*/kustomization.yaml"))
INSTALLATIONS = [name for name in KUSTOMIZATIONS if name != "crds"]
"""Kustomizations with a namespace; CRDs are for the whole cluster."""
COMPONENTS = [
    "components/console",
    "components/external-secrets",
    "components/people",
    "components/quota",
    "components/tool-servers",
    "components/workload-identity",
]
"""Components with objects of their own, which can be rendered alone."""
NAMES = {"githubUser", "githubApp"}
IDENTITIES = {"user": {"githubUser": "octocat"}, "app": {"githubApp": "5DLabs-Rex"}}
SETTINGS = settings(
    agent={"image": "registry.example/agent", "tag": "0.1.0"},
    broker={"image": "registry.example/orchestrator", "tag": "0.1.0"},
)
Object = dict[str, Any]


@functools.cache
def rendered(kubectl: str, folder: str) -> list[Object]:
    """Return the objects of a kustomization."""
    return [each for each in yaml.safe_load_all(kustomized(kubectl, KUBERNETES / folder)) if each]


def of_kind(items: list[Object], kind: str) -> dict[str, Object]:
    """Return the objects of a kind, by name."""
    return {item["metadata"]["name"]: item for item in items if item["kind"] == kind}


def jobs() -> Iterator[tuple[str, Object]]:
    """Yield the Job of an attempt and its fence, for docs and code, for a user and an App."""
    for kind in ("DocsRun", "CodeRun"):
        for who, identity in IDENTITIES.items():
            raw = raw_run(kind)
            raw["spec"] = {name: value for name, value in raw["spec"].items() if name not in NAMES} | dict(identity)
            run = parse(raw)
            started = with_attempt(run)
            yield f"{kind}-{who}", attempt.job(started, SETTINGS)
            yield f"{kind}-{who}-fence", attempt.fence(started)


NEWER = {
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("batch/v1", "CronJob"),
}
"""Kinds newer than Kubernetes 1.20; test_newer_kinds.py checks them by their schemas."""


def served(kubectl: str, plane: ControlPlane, items: list[Object]) -> list[Object]:
    """Return the objects of kinds that the API server has; an old server lacks some of NEWER."""
    lacking = {each for each in NEWER if not _has(kubectl, plane, *each)}
    return [each for each in items if (each["apiVersion"], each["kind"]) not in lacking]


def _has(kubectl: str, plane: ControlPlane, version: str, kind: str) -> bool:
    command = [kubectl, "--kubeconfig", str(plane.kubeconfig), "get", "--raw", f"/apis/{version}"]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    return done.returncode == 0 and any(each["kind"] == kind for each in json.loads(done.stdout)["resources"])


def pods(item: Object) -> Iterator[Object]:
    """Yield the pod of a workload; nothing for other objects."""
    template = (item.get("spec") or {}).get("template")
    if isinstance(template, dict) and "containers" in (template.get("spec") or {}):
        yield {"metadata": template.get("metadata", {}), "spec": template["spec"]}


def write(folder: Path, items: Mapping[str, Object]) -> None:
    """Write a file for each object, as the linter reads them."""
    for name, item in items.items():
        (folder / f"{name}.json").write_text(json.dumps(item))
