"""Settings `job.pod`: additions to a pod, and their validation at start."""

import json
from typing import Any

import pytest

from functions.manifests import attempt
from functions.manifests.pod import pod_spec
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from functions.settings.pod_additions import OUR_CONTAINERS, OUR_PATHS, OUR_VOLUMES, PodSettings
from tests.support.builders import run, settings, with_attempt

IMAGE = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent", "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent"}
RESTRICTED = "Pod Security restricted"

SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
EXISTS = [{"key": "agents", "operator": "Exists"}]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"labels": {"agents.platform/run": "x"}}, "labels: agents.platform/run is set by the product"),
    ({"labels": {"app.kubernetes.io/managed-by": "x"}}, "labels: app.kubernetes.io/managed-by is set by the product"),
    ({"labels": {"job-name": "x"}}, "labels: job-name is set by the product"),
    ({"labels": {"a b": "x"}}, "must be the key of a label"),
    ({"labels": {"a": "x y"}}, "must be a label's value"),
    ({"annotations": {"kubectl.kubernetes.io/default-container": "x"}}, "is set by the product; remove it"),
    ({"node_selector": {"pool": True}}, "pool: must be a valid string"),
    ({"tolerations": [{"key": 1}]}, "tolerations.0: key: input should be a valid string"),
    ({"tolerations": [{"key": "a", "efect": "NoSchedule"}]}, "efect is not a field of the Kubernetes API"),
    ({"topology_spread_constraints": [{"maxSkew": 1}]}, "topologyKey is required"),
    ({"affinity": {"nodeAfinity": {}}}, "affinity: nodeAfinity is not a field of the Kubernetes API"),
    ({"affinity": {"nodeAffinity": {"required": 1}}}, "nodeAffinity.required is not a field of the Kubernetes API"),
    ({"priority_class_name": "Not_A_Name"}, "must be the name of a Kubernetes object"),
    ({"volumes": [{"name": "workspace", "emptyDir": {}}]}, "volumes: workspace is a name of the product's own"),
    ({"volumes": [{"name": "a", "emptyDir": {}}] * 2}, "volumes: a is there 2 times"),
    ({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}, f"volumes: a has hostPath; {RESTRICTED} allows"),
    ({"volumes": [{"name": "a"}]}, "volumes: a has no kind"),
    ({"volumes": [{"emptyDir": {}}]}, "name is required"),
    ({"volume_mounts": [{"name": "a", "mountPath": "/a"}]}, "volume_mounts: a is not one of job.pod.volumes"),
    ({"sidecars": [{"name": "agent", "image": "x"}]}, "sidecars: agent is a name of the product's own"),
    ({"sidecars": [{"name": "proxy"}]}, "sidecars: proxy has no image"),
    ({"sidecars": [{"image": "x"}]}, "name is required"),
    ({"sidecars": [{"name": "p", "image": "x", "restartPolicy": "Never"}]}, "another restartPolicy than Always"),
    (
        {"sidecars": [{"name": "p", "image": "x", "volumeMounts": [{"name": "credentials", "mountPath": "/c"}]}]},
        "sidecars: p mounts credentials, which may only be job.pod.volumes or workspace",
    ),
    *(
        ({"sidecars": [{"name": "p", "image": "x", "securityContext": context}]}, f"securityContext.{field}, which")
        for field, context in (
            ("privileged", {"privileged": True}),
            ("allowPrivilegeEscalation", {"allowPrivilegeEscalation": True}),
            ("runAsUser", {"runAsUser": 0}),
            ("runAsNonRoot", {"runAsNonRoot": False}),
            ("capabilities.add", {"capabilities": {"add": ["SYS_ADMIN"]}}),
            ("seccompProfile", {"seccompProfile": {"type": "Unconfined"}}),
        )
    ),
    ({"pool": "x"}, "setting job.pod.pool: is not known"),
]


def loaded(given: dict[str, Any]) -> PodSettings:
    return load({**IMAGE, "ORCHESTRATOR_JOB__POD": json.dumps(given)}).job.pod


@pytest.mark.parametrize(("given", "words"), REFUSED, ids=[words[:40] for _, words in REFUSED])
def test_an_invalid_pod_addition_is_refused_by_its_setting(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(given)
    assert "setting job.pod" in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize("path", [*OUR_PATHS, "/", "/workspace/cache", "/etc/claude-code/managed-settings.json"])
def test_a_mount_over_the_products_own_paths_is_refused(path: str) -> None:
    volumes = [{"name": "ca", "configMap": {"name": "ca"}}]
    with pytest.raises(SettingsError, match="which the product mounts"):
        loaded({"volumes": volumes, "volume_mounts": [{"name": "ca", "mountPath": path}]})


@pytest.mark.parametrize(
    "volume",
    [
        {"secret": {"secretName": "s"}},
        {"projected": {"sources": [{"secret": {"name": "s"}}]}},
        {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
    ],
)
def test_the_agents_container_cannot_mount_a_secret(volume: dict[str, Any]) -> None:
    given = {"volumes": [{"name": "s", **volume}]}
    assert loaded(given).volumes, "a sidecar may mount the volume"
    with pytest.raises(SettingsError, match="volume_mounts: s holds a secret"):
        loaded(given | {"volume_mounts": [{"name": "s", "mountPath": "/opt/s"}]})


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        loaded({"labels": {"job-name": "x"}, "volumes": [{"name": "tmp", "emptyDir": {}}]})
    assert "labels: job-name" in str(refused.value)
    assert "volumes: tmp" in str(refused.value)


def test_an_error_does_not_repeat_the_value() -> None:
    with pytest.raises(SettingsError) as refused:
        loaded({"sidecars": [{"name": "p", "image": "x", "env": [{"name": "K", "value": 31337}]}]})
    assert "31337" not in str(refused.value)
    assert "env.0.value: input should be a valid string" in str(refused.value)


def test_reserved_names_and_paths_cover_those_of_the_pod() -> None:
    for kind in ("DocsRun", "CodeRun"):
        found = pod_spec(with_attempt(run(kind)), settings())
        assert {volume["name"] for volume in found["volumes"]} <= OUR_VOLUMES
        containers = [*found["containers"], *found.get("initContainers", [])]
        assert {container["name"] for container in containers} <= OUR_CONTAINERS
        mounts = [mount["mountPath"] for container in containers for mount in container["volumeMounts"]]
        assert all(mount.startswith(OUR_PATHS) for mount in mounts)


def template(given: dict[str, Any]) -> Any:
    found = with_attempt(run())
    job = attempt.job(found, settings(job={"pod": loaded(given)}))
    return job["spec"]["template"]


def test_a_pod_without_additions_is_unchanged() -> None:
    found = with_attempt(run())
    annotations = {"kubectl.kubernetes.io/default-container": "agent"}
    metadata = {"labels": attempt.labels(found), "annotations": annotations}
    assert template({}) == {"metadata": metadata, "spec": pod_spec(found, settings())}


def test_pod_additions_are_copied_verbatim() -> None:
    scheduling = {"tolerations": [{"key": "agents", "operator": "Exists", "tolerationSeconds": 5}]}
    found = template(
        {
            **scheduling,
            "labels": {"cost-center": "7"},
            "annotations": {"sidecar.istio.io/inject": "false"},
            "node_selector": {"pool": "agents"},
            "topology_spread_constraints": [SPREAD],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required()}},
            "priority_class_name": "low",
            "runtime_class_name": "gvisor",
            "service_account_name": "agents",
        }
    )
    assert found["metadata"]["labels"]["cost-center"] == "7"
    assert found["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
    spec = found["spec"]
    assert (spec["nodeSelector"], spec["tolerations"]) == ({"pool": "agents"}, scheduling["tolerations"])
    assert spec["topologySpreadConstraints"] == [SPREAD]
    assert spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] == required()
    assert (spec["priorityClassName"], spec["runtimeClassName"], spec["serviceAccountName"]) == (
        "low",
        "gvisor",
        "agents",
    )
    assert spec["automountServiceAccountToken"] is False


def required() -> dict[str, Any]:
    return {"nodeSelectorTerms": [{"matchExpressions": EXISTS}]}


def test_volumes_mounts_and_sidecars_are_added_to_the_products_own() -> None:
    mount = {"name": "ca", "mountPath": "/opt/ca", "readOnly": True}
    native = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always", "volumeMounts": [mount]}
    beside = {"name": "logs", "image": "logs:1", "securityContext": {"readOnlyRootFilesystem": False}}
    given = {"volumes": [{"name": "ca", "configMap": {"name": "ca"}}], "volume_mounts": [mount]}
    spec = template(given | {"sidecars": [native, beside]})["spec"]
    assert spec["volumes"][-1] == {"name": "ca", "configMap": {"name": "ca"}}
    agent, logs = spec["containers"][0], spec["containers"][-1]
    assert (agent["name"], agent["volumeMounts"][-1]) == ("agent", mount)
    assert logs["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["initContainers"][0]["name"] == "proxy"
