"""The pod an agent works in: hardened to Pod Security "restricted", everything it needs mounted, nothing more.

Secret references are optional, so that the container script names a missing one within seconds; a required one
would leave the pod hanging with its reason in an Event.
"""

from collections.abc import Mapping
from typing import Any

from functions.runs.model import naming, trace
from functions.runs.model.run import Run
from functions.runs.model.run_spec import RunSpec
from functions.settings import Settings
from functions.settings.agent import ApiKey

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
"""With the pod's: what Pod Security "restricted" asks for, and a read-only root."""

KEY_MODE = 0o440
"""ssh takes a key that is owned by root and readable by the pod's group, and refuses one that is wider."""


def pod_spec(run: Run, settings: Settings) -> Object:
    """Return the spec of the attempt's pod."""
    spec = run.spec
    assert spec, "a pod is created only for a run with a valid spec"
    agent = settings.agent
    found: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": {**POD_SECURITY},
        "volumes": _volumes(run, spec),
        "containers": [_container(run, spec, settings)],
    }
    if agent.pull_secrets:
        found["imagePullSecrets"] = [{"name": name} for name in agent.pull_secrets]
    return found


def _container(run: Run, spec: RunSpec, settings: Settings) -> Object:
    agent, job = settings.agent, settings.job
    asked = spec.resources.quantities if spec.resources else {}
    return {
        "name": "agent",
        "image": f"{agent.image}:{agent.tag}",
        "imagePullPolicy": agent.pull_policy,
        "command": ["/bin/bash", "/config/container.sh"],
        "env": [*_trace(run, spec), *_env(spec, settings)],
        "envFrom": [{"secretRef": {"name": name, "optional": True}} for name in spec.env_from_secrets or ()],
        "resources": {"requests": job.requests.quantities | asked, "limits": job.limits.quantities | asked},
        "securityContext": {**CONTAINER_SECURITY},
        "volumeMounts": [
            {"name": "task-files", "mountPath": "/config", "readOnly": True},
            *_managed_files(spec),
            {"name": "workspace", "mountPath": "/workspace"},
            {"name": "home", "mountPath": "/home/agent"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  (a volume of the pod's own)
            {"name": "credentials", "mountPath": _credentials_path(spec), "readOnly": True},
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
    found = trace.from_object(run.raw)
    given = any(each.name == trace.VARIABLE for each in spec.env or ())
    return [{"name": trace.VARIABLE, "value": trace.traceparent(found)}] if found and not given else []


def _env(spec: RunSpec, settings: Settings) -> list[Object]:
    return [
        *({"name": each.name, "value": _verbatim(each.value)} for each in spec.env or ()),
        {"name": "HOME", "value": "/home/agent"},
        {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        *_api_key(settings.secrets.api_key(spec.agent_cli)),
    ]


def _api_key(found: ApiKey | None) -> list[Object]:
    if not found:
        return []
    reference = {"name": found.secret, "key": found.key, "optional": True}
    return [{"name": found.env, "valueFrom": {"secretKeyRef": reference}}]


def _verbatim(value: str) -> str:
    """`value` so that the kubelet, which expands $(NAME), hands it on as it is (EnvVar: $$ is a single $)."""
    return value.replace("$", "$$")


def _credentials_path(spec: RunSpec) -> str:
    return "/secrets/github-app" if spec.github_app else "/secrets/ssh"


def _volumes(run: Run, spec: RunSpec) -> list[Object]:
    workspace: Object = {"emptyDir": {}}
    if run.status.workspace_name:
        workspace = {"persistentVolumeClaim": {"claimName": run.status.workspace_name}}
    return [
        {"name": "task-files", "configMap": {"name": run.status.config_map_name}},
        {"name": "workspace", **workspace},
        {"name": "home", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "credentials", "secret": _credentials(spec)},
    ]


def _credentials(spec: RunSpec) -> Object:
    if spec.github_app:
        return {"secretName": naming.app_secret(spec), "optional": True, "defaultMode": KEY_MODE}
    return {
        "secretName": naming.ssh_secret(spec),
        "optional": True,
        "defaultMode": KEY_MODE,
        "items": [
            {"key": "ssh-privatekey", "path": "id_ed25519"},
            {"key": "ssh-publickey", "path": "id_ed25519.pub"},
        ],
    }
