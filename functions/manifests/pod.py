"""The pod an agent works in: hardened to Pod Security "restricted", everything it needs mounted, nothing more.

The agent's container has no secret but those of `envFromSecrets`, which the operator lists. The broker has the rest.
Secret references are optional, so that a missing one is named within seconds; a required one would leave the pod
hanging with its reason in an Event.
"""

from collections.abc import Mapping
from typing import Any

from functions.manifests import broker
from functions.runs.lifecycle.pod_status import AGENT
from functions.runs.model import trace
from functions.runs.model.run import Run
from functions.runs.model.run_spec import RunSpec
from functions.settings.model import Settings

Object = dict[str, Any]

USER = 1000
"""uid, gid and fsGroup of the agent image; not root."""

POD_SECURITY: Mapping[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""Together with the pod's, the fields that Pod Security "restricted" requires, and a read-only root."""


def pod_spec(run: Run, settings: Settings) -> Object:
    """Return the spec of the attempt's pod."""
    spec = run.spec
    assert spec, "a pod is created only for a run with a valid spec"
    agent = settings.agent
    pod: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": {**POD_SECURITY},
        "volumes": _volumes(run, spec, settings),
        **_containers(_container(run, spec, settings), broker.container(spec, settings, CONTAINER_SECURITY)),
    }
    if agent.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in agent.pull_secrets]
    return pod


def _containers(agent: Object, brokers: Object) -> Object:
    if "restartPolicy" in brokers:
        return {"initContainers": [brokers], "containers": [agent]}
    return {"containers": [agent, brokers]}


def _container(run: Run, spec: RunSpec, settings: Settings) -> Object:
    agent, job = settings.agent, settings.job
    asked = spec.resources.quantities if spec.resources else {}
    return {
        "name": AGENT,
        "image": f"{agent.image}:{agent.tag}",
        "imagePullPolicy": agent.pull_policy,
        "command": ["/bin/bash", "/config/container.sh"],
        "env": [*_trace(run, spec), *_env(spec)],
        "envFrom": [{"secretRef": {"name": name, "optional": True}} for name in spec.env_from_secrets or ()],
        "resources": {"requests": job.requests.quantities | asked, "limits": job.limits.quantities | asked},
        "securityContext": {**CONTAINER_SECURITY},
        "volumeMounts": [
            {"name": "task-files", "mountPath": "/config", "readOnly": True},
            *_managed_files(spec),
            {"name": "workspace", "mountPath": "/workspace"},
            {"name": "home", "mountPath": "/home/agent"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  (a volume of the pod's own)
            {"name": broker.NAME, "mountPath": broker.SHARED, "readOnly": True},
        ],
    }


def _managed_files(spec: RunSpec) -> list[Object]:
    """Return the mounts of the files that Claude Code reads on its own, before all others."""
    files = {"managed-settings.json": "settings.json"}
    if spec.agent_cli == "claude":
        files["CLAUDE.md"] = "CLAUDE.md"
    return [
        {"name": "task-files", "mountPath": f"/etc/claude-code/{name}", "subPath": key, "readOnly": True}
        for name, key in files.items()
    ]


def _trace(run: Run, spec: RunSpec) -> list[Object]:
    """Return the run's trace for the agent to continue, unless the spec has one."""
    span = trace.from_object(run.raw)
    given = any(variable.name == trace.VARIABLE for variable in spec.env or ())
    return [{"name": trace.VARIABLE, "value": trace.traceparent(span)}] if span and not given else []


def _env(spec: RunSpec) -> list[Object]:
    return [
        *({"name": variable.name, "value": _verbatim(variable.value)} for variable in spec.env or ()),
        {"name": "HOME", "value": "/home/agent"},
        {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
    ]


def _verbatim(value: str) -> str:
    """`value` so that the kubelet, which expands $(NAME), hands it on as it is (EnvVar: $$ is a single $)."""
    return value.replace("$", "$$")


def _volumes(run: Run, spec: RunSpec, settings: Settings) -> list[Object]:
    workspace: Object = {"emptyDir": {}}
    if run.status.workspace_name:
        workspace = {"persistentVolumeClaim": {"claimName": run.status.workspace_name}}
    return [
        {"name": "task-files", "configMap": {"name": run.status.config_map_name}},
        {"name": "workspace", **workspace},
        {"name": "home", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        *broker.volumes(spec, settings),
    ]
