"""The broker's container: it alone mounts the run's secrets, and runs as another user than the agent. Pure."""

from collections.abc import Mapping
from typing import Any

from functions.runs.model import naming
from functions.runs.model.run_spec import RunSpec
from functions.settings.model import Settings

Object = dict[str, Any]

NAME = "broker"
USER = 65532
"""uid in the product's image (infra/images). Its group is the pod's, by which it reads the secrets."""

SHARED = "/run/broker"
"""The directory in which the broker writes its address before the agent starts; the agent's mount is read-only."""

KEY_MODE = 0o440
"""ssh takes a key that is owned by root and readable by the pod's group, and refuses one that is wider."""


def container(spec: RunSpec, settings: Settings, security: Mapping[str, Any]) -> Object:
    """Return the container; as a native sidecar it starts before the agent's and ends after it."""
    broker = settings.broker
    mounts = [
        {"name": volume["name"], "mountPath": path, "readOnly": True} for path, volume in _secrets(spec, settings)
    ]
    sidecar = {"restartPolicy": "Always"} if settings.job.broker == "sidecar" else {}
    return {
        "name": NAME,
        **sidecar,
        "image": f"{broker.image}:{broker.tag}",
        "imagePullPolicy": broker.pull_policy,
        "command": ["python", "-m", "functions.broker"],
        "resources": {"requests": broker.requests.quantities, "limits": broker.limits.quantities},
        "securityContext": {**security, "runAsUser": USER},
        "volumeMounts": [
            {"name": "task-files", "mountPath": "/config", "readOnly": True},
            {"name": NAME, "mountPath": SHARED},
            *mounts,
        ],
    }


def volumes(spec: RunSpec, settings: Settings) -> list[Object]:
    """Return the volumes of the broker: the secrets, and the directory that it shares with the agent's container."""
    return [{"name": NAME, "emptyDir": {"medium": "Memory"}}, *(volume for _, volume in _secrets(spec, settings))]


def _secrets(spec: RunSpec, settings: Settings) -> list[tuple[str, Object]]:
    """Return each secret's volume with where it is mounted; optional, so that the broker names a missing one."""
    mounts = [("/secrets/github-app", _app(spec))] if spec.github_app else [("/secrets/ssh", _ssh(spec))]
    key = settings.secrets.api_key(spec.agent_cli)
    if key:
        mounts.append(("/secrets/model", _volume("model-credential", key.secret, {key.key: "credential"})))
    return mounts


def _app(spec: RunSpec) -> Object:
    return _volume("credentials", naming.app_secret(spec), {"app-id": "app-id", "private-key": "private-key"})


def _ssh(spec: RunSpec) -> Object:
    return _volume("credentials", naming.ssh_secret(spec), {"ssh-privatekey": "id_ed25519"})


def _volume(name: str, secret: str, paths: Mapping[str, str]) -> Object:
    items = [{"key": key, "path": path} for key, path in paths.items()]
    return {"name": name, "secret": {"secretName": secret, "optional": True, "defaultMode": KEY_MODE, "items": items}}
