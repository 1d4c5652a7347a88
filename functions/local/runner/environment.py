"""A container's environment and command, as declared in the pod and as adapted to this machine."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from functions.cluster.client import Object
from functions.local.runner.mounts import CONFIG_ERROR, NotReadyError, Sources

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_FIELDS = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "metadata.uid": ("metadata", "uid"),
    "spec.nodeName": ("spec", "nodeName"),
}


def environment(pod: Object, container: Object, sources: Sources) -> dict[str, str]:
    """Return the environment that the pod declares: envFrom, then env, whose values may contain $(NAME).

    Raises:
        NotReadyError: a reference that is not optional does not exist; the text is the kubelet's.
    """
    variables: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        files = _env_from(source, sources)
        variables |= {source.get("prefix", "") + key: value.decode(errors="replace") for key, value in files.items()}
    for entry in container.get("env") or ():
        text = _value(pod, entry, sources)
        if text is not None:
            variables[entry["name"]] = expand(text, variables) if "valueFrom" not in entry else text
    return variables


def on_this_machine(declared: Mapping[str, str], root: Path) -> dict[str, str]:
    """Return the declared environment with PATH and LANG of this machine, and directories below POD_ROOT."""
    directories = {"POD_ROOT": str(root), "HOME": f"{root}/home/agent", "TMPDIR": f"{root}/tmp"}  # noqa: S108  (private to the pod)
    base = {"PATH": os.environ.get("PATH", os.defpath), "LANG": os.environ.get("LANG", "C.UTF-8")}
    return {**base, **declared, **directories}


def command(container: Object, declared: Mapping[str, str], root: Path) -> list[str]:
    """Return the command line, with paths below a mount moved below POD_ROOT.

    Raises:
        NotReadyError: the container has no command, and no image that could define one.
    """
    parts = [*(container.get("command") or ()), *(container.get("args") or ())]
    if not container.get("command"):
        raise NotReadyError("CreateContainerError", "no command specified")
    mounts = [mount["mountPath"].rstrip("/") for mount in container.get("volumeMounts") or ()]
    return [_translate(expand(part, declared), mounts, root) for part in parts]


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace $(NAME) by the variable's value, unless it is not defined; $$ is one dollar sign.

    Source: Kubernetes, Define Dependent Environment Variables.
    """

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def _translate(part: str, mounts: Sequence[str], root: Path) -> str:
    return f"{root}{part}" if any(part == mount or part.startswith(f"{mount}/") for mount in mounts) else part


def _env_from(source: Mapping[str, Any], sources: Sources) -> Mapping[str, bytes]:
    kind = "secret" if "secretRef" in source else "configmap"
    reference = source.get("secretRef") or source["configMapRef"]
    files = (sources.secret if kind == "secret" else sources.config_map)(reference["name"])
    if files is None and not reference.get("optional"):
        raise NotReadyError(CONFIG_ERROR, f'{kind} "{reference["name"]}" not found')
    return files or {}


def _value(pod: Object, entry: Mapping[str, Any], sources: Sources) -> str | None:
    match entry.get("valueFrom"):
        case None:
            return str(entry.get("value", ""))
        case {"secretKeyRef": reference}:
            return _key(reference, sources.secret(reference["name"]), "secret", "Secret", sources.namespace)
        case {"configMapKeyRef": reference}:
            return _key(reference, sources.config_map(reference["name"]), "configmap", "ConfigMap", sources.namespace)
        case {"fieldRef": {"fieldPath": path}} if path in _FIELDS:
            part, field = _FIELDS[path]
            return str(pod[part][field])
        case other:
            raise NotReadyError(CONFIG_ERROR, f"env {entry['name']}: valueFrom {', '.join(other)} is not supported")


def _key(
    reference: Mapping[str, Any], files: Mapping[str, bytes] | None, word: str, kind: str, namespace: str
) -> str | None:
    name, key = reference["name"], reference["key"]
    if files is not None and key in files:
        return files[key].decode(errors="replace")
    if reference.get("optional"):
        return None
    if files is None:
        raise NotReadyError(CONFIG_ERROR, f'{word} "{name}" not found')
    raise NotReadyError(CONFIG_ERROR, f"couldn't find key {key} in {kind} {namespace}/{name}")
