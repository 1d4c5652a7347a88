"""infra/kubernetes: each kustomization is complete, agrees with the code, and a real API server accepts it.

base       has the bridge, which refuses to start without image and queue, naming them
example    is a complete installation, like gke: its settings are valid, its image is named
knative    has no bridge; its sources and channels are those of the topology
others     (tests/infra/test_overlays.py) are accepted as well
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.bridge.bridge import DEFAULT_TIMING, SELECTORS, TOPIC_BY_KIND
from functions.cluster.kinds import Kind
from functions.queues.backends import connect
from functions.queues.topology import TOPIC_OF_FUNCTION
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from tests.infra import manifests
from tests.infra.manifests import of_kind
from tests.support import installed
from tests.support.control_plane import ControlPlane


def bridge(kubectl: str, folder: str) -> Any:
    return of_kind(manifests.rendered(kubectl, folder), "Deployment")["orchestrator-bridge"]["spec"]


def settings_of(kubectl: str, folder: str, tmp_path: Path) -> dict[str, str]:
    """Return the environment of the bridge, with its settings file on this machine."""
    pod = bridge(kubectl, folder)["template"]["spec"]
    (mount,) = pod["containers"][0]["volumeMounts"]
    (volume,) = pod["volumes"]
    assert volume["name"] == mount["name"]
    files = of_kind(manifests.rendered(kubectl, folder), "ConfigMap")[volume["configMap"]["name"]]["data"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    environ = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    return {name: value.replace(mount["mountPath"], str(tmp_path)) for name, value in environ.items()}


@pytest.mark.parametrize("folder", ["example", "gke"])
def test_the_bridge_can_start_with_an_installations_settings(kubectl: str, tmp_path: Path, folder: str) -> None:
    settings = load(settings_of(kubectl, folder, tmp_path))
    connect(settings.queues)
    items = manifests.rendered(kubectl, folder)
    (namespace,) = of_kind(items, "Namespace")
    assert settings.namespace == namespace
    assert bridge(kubectl, folder)["template"]["spec"]["containers"][0]["image"] != "orchestrator"


def test_the_bridge_names_the_settings_that_the_base_lacks(kubectl: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"agent"):
        load(settings_of(kubectl, "base", tmp_path))


def test_the_bridges_probes_and_grace_period_match_its_program(kubectl: str) -> None:
    pod = bridge(kubectl, "base")["template"]["spec"]
    (container,) = pod["containers"]
    (port,) = container["ports"]
    assert container["args"] == ["--host", "0.0.0.0", "--port", str(port["containerPort"])]
    probes = {name: container[name]["httpGet"] for name in ("readinessProbe", "livenessProbe")}
    assert probes == {
        "readinessProbe": {"path": "/health/ready", "port": port["name"]},
        "livenessProbe": {"path": "/health/live", "port": port["name"]},
    }
    assert pod["terminationGracePeriodSeconds"] > DEFAULT_TIMING.drain_timeout
    policies = of_kind(manifests.rendered(kubectl, "base"), "NetworkPolicy")
    (rule,) = policies["orchestrator-bridge"]["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": port["containerPort"]}]


def test_the_network_policy_of_agents_selects_their_pods(kubectl: str) -> None:
    policy = of_kind(manifests.rendered(kubectl, "base"), "NetworkPolicy")["orchestrator-agents"]["spec"]
    (wanted,) = policy["podSelector"]["matchExpressions"]
    for name, job in manifests.jobs():
        if not name.endswith("fence"):  # a fence starts no pod
            (pod,) = manifests.pods(job)
            assert wanted["key"] in pod["metadata"]["labels"]
    assert "ingress" not in policy


def test_the_bridges_pod_has_the_rights_of_the_bridge(kubectl: str) -> None:
    items = manifests.rendered(kubectl, "base")
    account = bridge(kubectl, "base")["template"]["spec"]["serviceAccountName"]
    assert account in of_kind(items, "ServiceAccount")
    bound = [
        binding["roleRef"]["name"]
        for binding in of_kind(items, "RoleBinding").values()
        for subject in binding["subjects"]
        if (subject["kind"], subject["name"]) == ("ServiceAccount", account)
    ]
    assert bound == ["orchestrator-bridge"]


def test_knative_has_the_sources_and_subscriptions_of_the_topology(kubectl: str) -> None:
    items = manifests.rendered(kubectl, "knative")
    assert not of_kind(items, "Deployment")
    sources = {}
    for source in of_kind(items, "ApiServerSource").values():
        assert source["spec"]["mode"] == "Resource"
        (found,) = source["spec"]["resources"]
        sources[found["apiVersion"], found["kind"]] = source["spec"]["sink"]["ref"]["name"]
        (kind,) = (kind for kind in TOPIC_BY_KIND if kind.name == found["kind"])
        keys = [each["key"] for each in found.get("selector", {}).get("matchExpressions", ())]
        assert keys == ([SELECTORS[kind]] if kind in SELECTORS else [])
        assert source["spec"]["serviceAccountName"] in of_kind(items, "ServiceAccount")
    assert sources == {(kind.api_version, kind.name): topic for kind, topic in TOPIC_BY_KIND.items()}
    fed = {}
    for subscription in of_kind(items, "Subscription").values():
        spec = subscription["spec"]
        function = spec["subscriber"]["ref"]["name"].removeprefix("orchestrator-")
        fed[function.replace("-", "_")] = spec["channel"]["name"]
        assert spec["delivery"]["deadLetterSink"]["ref"]["name"] == f"{spec['channel']['name']}-dead"
        assert {spec["channel"]["name"], f"{spec['channel']['name']}-dead"} <= set(of_kind(items, "Channel"))
    topics = set(TOPIC_BY_KIND.values())
    assert fed == {function: topic for function, topic in TOPIC_OF_FUNCTION.items() if topic in topics}


def test_knatives_account_may_watch_its_sources_kinds(kubectl: str) -> None:
    role = of_kind(manifests.rendered(kubectl, "knative"), "Role")["orchestrator-knative"]
    granted = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert granted == {(kind.plural, verb) for kind in TOPIC_BY_KIND for verb in ("get", "list", "watch")}


OF_OTHERS = (
    Kind("sources.knative.dev/v1", "ApiServerSource", "apiserversources"),
    Kind("sources.knative.dev/v1", "PingSource", "pingsources"),
    Kind("serving.knative.dev/v1", "Service", "services"),
    Kind("messaging.knative.dev/v1", "Channel", "channels"),
    Kind("messaging.knative.dev/v1", "Subscription", "subscriptions"),
    Kind("external-secrets.io/v1", "SecretStore", "secretstores"),
    Kind("external-secrets.io/v1", "ExternalSecret", "externalsecrets"),
)


@pytest.mark.parametrize("folder", [*manifests.KUSTOMIZATIONS, *manifests.COMPONENTS])
def test_a_real_api_server_accepts_each_and_a_second_apply_changes_nothing(
    installed_plane: ControlPlane, kubectl: str, folder: str
) -> None:
    if folder in ("knative", "components/external-secrets"):
        definitions = yaml.safe_dump_all([installed.definition(kind) for kind in OF_OTHERS])
        installed.apply(kubectl, installed_plane, definitions.encode())
    items = manifests.served(kubectl, installed_plane, manifests.rendered(kubectl, folder))
    rendered = yaml.safe_dump_all(items).encode()
    first = installed.apply(kubectl, installed_plane, rendered)
    assert len(first.splitlines()) == len(items)
    again = installed.apply(kubectl, installed_plane, rendered)
    changed = re.findall(r"(\S+ (?!unchanged)\S+)$", again, re.MULTILINE)
    # The server adds fields to a StatefulSet's claim templates; kubectl compares that list as a whole.
    assert [each for each in changed if not each.startswith("statefulset.apps/")] == []
