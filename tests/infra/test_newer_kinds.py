"""Every object of the installations matches the schemas of the supported Kubernetes releases.

The API server of a test may lack newer kinds (autoscaling/v2, policy/v1), and have older schemas of others. Custom
resources have no schema here: test_knative.py checks those of Knative.
"""

import functools
import json
import os
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from functions.queues.topology import TOPIC_OF_FUNCTION, subscription_name
from tests.infra import manifests
from tests.infra.manifests import NEWER, Object, of_kind
from tests.support.installed import KUBERNETES

RELEASES = ("1.29", "1.37")
"""The oldest release that the cluster overlay supports, and the newest known."""
OTHERS = (
    *("argoproj.io/", "external-secrets.io/", "keda.sh/"),
    *("messaging.knative.dev/", "serving.knative.dev/", "sources.knative.dev/"),
)
ON_CLUSTER = (
    "argo-events",
    "console-ingress",
    "github",
    "nats-cluster",
    "nats-tls",
    "scale-to-zero",
    "quota",
    "people",
)


def with_component(kubectl: str, folder: Path, *components: str, overlay: str = "cluster") -> list[Object]:
    """Return the objects of an overlay with components."""
    here = os.path.relpath(KUBERNETES, folder.resolve())
    named = ", ".join(f"{here}/components/{each}" for each in components)
    (folder / "kustomization.yaml").write_text(f"resources: [{here}/{overlay}]\ncomponents: [{named}]\n")
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def check(items: list[Object]) -> None:
    for release in RELEASES:
        for item in items:
            if not item["apiVersion"].startswith(OTHERS):
                _valid(json.dumps(item), release)


@functools.cache
def _valid(item: str, release: str) -> None:
    """Check an object once, as most are in many installations."""
    kubernetes_validate.validate(json.loads(item), release, strict=True)


@pytest.mark.parametrize("folder", manifests.KUSTOMIZATIONS)
def test_objects_of_installations_match_their_schemas(kubectl: str, folder: str) -> None:
    check(manifests.rendered(kubectl, folder))


@pytest.mark.parametrize("component", ON_CLUSTER)
def test_objects_of_cluster_components_match_their_schemas(kubectl: str, tmp_path: Path, component: str) -> None:
    check(with_component(kubectl, tmp_path, component))


def test_all_cluster_components_can_be_combined(kubectl: str, tmp_path: Path) -> None:
    items = with_component(kubectl, tmp_path, *ON_CLUSTER)
    check(items)
    assert len({(each["kind"], each["metadata"]["name"]) for each in items}) == len(items)


def test_newer_kinds_are_checked_and_a_wrong_field_is_detected(kubectl: str) -> None:
    items = [*manifests.rendered(kubectl, "cluster"), *manifests.rendered(kubectl, "knative")]
    assert {(each["apiVersion"], each["kind"]) for each in items} >= NEWER
    scaler = next(iter(of_kind(items, "HorizontalPodAutoscaler").values()))
    wrong = {**scaler, "spec": {**scaler["spec"], "maxReplica": 3}}
    with pytest.raises(kubernetes_validate.ValidationError, match="maxReplica"):
        kubernetes_validate.validate(wrong, RELEASES[0], strict=True)


def test_scaled_deployments_have_no_replicas_and_each_has_a_disruption_budget(kubectl: str) -> None:
    items = manifests.rendered(kubectl, "cluster")
    deployments = of_kind(items, "Deployment")
    for scaler in of_kind(items, "HorizontalPodAutoscaler").values():
        scaled = deployments[scaler["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in scaled["spec"], "an apply would reset the number that the autoscaler chose"
    budgets = [each["spec"] for each in of_kind(items, "PodDisruptionBudget").values()]
    for name, each in deployments.items():
        labels = each["spec"]["template"]["metadata"]["labels"]
        found = [budget for budget in budgets if budget["selector"]["matchLabels"].items() <= labels.items()]
        assert [budget["maxUnavailable"] for budget in found] == [1], name


def test_keda_scales_by_existing_consumers(kubectl: str, tmp_path: Path) -> None:
    items = with_component(kubectl, tmp_path, "scale-to-zero")
    scaled = of_kind(items, "ScaledObject")
    assert scaled
    for each in scaled.values():
        target = each["spec"]["scaleTargetRef"]["name"]
        (trigger,) = each["spec"]["triggers"]
        environ = of_kind(items, "Deployment")[target]["spec"]["template"]["spec"]["containers"][0]["env"]
        (function,) = [variable["value"] for variable in environ if variable["name"] == "FUNCTION_TARGET"]
        asked = trigger["metadata"]
        assert (asked["stream"], asked["consumer"]) == (TOPIC_OF_FUNCTION[function], subscription_name(function))
        assert target not in {
            scaler["spec"]["scaleTargetRef"]["name"] for scaler in of_kind(items, "HorizontalPodAutoscaler").values()
        }
