"""Creates a pod's volumes as directories, and its mounts as links to them below POD_ROOT.

Files of ConfigMaps and Secrets are read-only. Those of Secrets are readable only by their owner, regardless of the
mode in the pod: on this machine the agent owns them, and ssh rejects a key that others can read.
"""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions.cluster.client import Object
from functions.local.runner.mounts import CONFIG_ERROR, FAILED_MOUNT, NotReadyError, Sources
from functions.local.runner.paths import Layout, remove_tree

FILE_MODE = 0o644
"""Default mode of projected files (core/v1, ConfigMapVolumeSource)."""

SECRET_MODE = 0o400
WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def create(pod: Object, sources: Sources, layout: Layout) -> Mapping[str, Path]:
    """Create the volumes of a pod that was never started; return their directories by name.

    Raises:
        NotReadyError: an object is missing; the text is the kubelet's or the scheduler's.
    """
    uid = pod["metadata"]["uid"]
    for root in layout.roots(uid):
        remove_tree(root)
    remove_tree(layout.volumes(uid))
    layout.volumes(uid).mkdir(parents=True)
    specs = pod["spec"].get("volumes") or ()
    return {spec["name"]: _volume(spec, uid, sources, layout) for spec in specs}


def mount(container: Object, volumes: Mapping[str, Path], root: Path) -> Path:
    """Create a container's POD_ROOT with its own mounts, and no other container's; return it.

    Raises:
        NotReadyError: a subPath is missing; the text is the kubelet's.
    """
    root.mkdir(parents=True)
    mounts = container.get("volumeMounts") or ()
    for entry in sorted(mounts, key=lambda mount: str(mount["mountPath"])):
        _link(entry, volumes[entry["name"]], container["name"], root)
    for directory in ("home/agent", "tmp", "dev"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    return root


def _link(entry: Mapping[str, Any], volume: Path, container: str, root: Path) -> None:
    target = volume / entry.get("subPath", "")
    if not target.exists():
        message = f'failed to prepare subPath for volumeMount "{entry["name"]}" of container "{container}"'
        raise NotReadyError(CONFIG_ERROR, message)
    link = root / entry["mountPath"].strip("/")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def _volume(volume: Mapping[str, Any], uid: str, sources: Sources, layout: Layout) -> Path:
    name: str = volume["name"]
    directory = layout.volumes(uid) / name
    match volume:
        case {"persistentVolumeClaim": {"claimName": claim}}:
            sources.bind(claim)
            directory = layout.claim(sources.namespace, claim)
            directory.mkdir(parents=True, exist_ok=True)
        case {"configMap": source}:
            files = _projected(name, source, sources.config_map(source["name"]), "configmap", source["name"])
            _write(directory, files, int(source.get("defaultMode", FILE_MODE)) & ~WRITE_BITS)
        case {"secret": source}:
            secret = source["secretName"]
            files = _projected(name, source, sources.secret(secret), "secret", secret)
            _write(directory, {path: (data, None) for path, (data, _) in files.items()}, SECRET_MODE)
        case {"emptyDir": _}:
            directory.mkdir(parents=True)
        case _:
            supported = "configMap, secret, emptyDir or persistentVolumeClaim"
            raise NotReadyError(FAILED_MOUNT, f'volume "{name}" has an unsupported type; use {supported}')
    return directory


def _projected(
    volume: str, source: Mapping[str, Any], files: Mapping[str, bytes] | None, word: str, name: str
) -> dict[str, tuple[bytes, int | None]]:
    """Return the files of a ConfigMap or Secret volume by path, each with its own mode or None."""
    failed = f'MountVolume.SetUp failed for volume "{volume}" : '
    optional = bool(source.get("optional"))
    if files is None and not optional:
        raise NotReadyError(FAILED_MOUNT, f'{failed}{word} "{name}" not found')
    items = source.get("items") or [{"key": key, "path": key} for key in files or ()]
    missing = [item["key"] for item in items if item["key"] not in (files or {})]
    if missing and not optional:
        kind = "config" if word == "configmap" else word
        raise NotReadyError(FAILED_MOUNT, f"{failed}references non-existent {kind} key: {missing[0]}")
    return {item["path"]: (files[item["key"]], item.get("mode")) for item in items if files and item["key"] in files}


def _write(directory: Path, files: Mapping[str, tuple[bytes, int | None]], default_mode: int) -> None:
    directory.mkdir(parents=True)
    for path, (data, mode) in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        file.write_bytes(data)
        file.chmod(default_mode if mode is None else int(mode) & ~WRITE_BITS)
