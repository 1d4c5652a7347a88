"""A pod's volumes as directories, and its mounts as links to them below POD_ROOT.

Files of ConfigMaps and Secrets are read-only. Those of Secrets are for their owner alone, whatever mode the pod
asks for: here the agent is the owner, and ssh refuses a key of its own that others may read.
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


def mount(pod: Object, container: Object, sources: Sources, layout: Layout) -> Path:
    """Lays out everything below POD_ROOT, from nothing, and returns it; for a pod that was never started.

    Raises:
        NotReadyError: with the words of a kubelet or scheduler, for what is missing.
    """
    uid = pod["metadata"]["uid"]
    root = layout.root(uid)
    remove_tree(root)
    remove_tree(layout.volumes(uid))
    root.mkdir(parents=True)
    layout.volumes(uid).mkdir(parents=True)
    volumes = {each["name"]: _volume(each, uid, sources, layout) for each in pod["spec"].get("volumes") or ()}
    mounts = container.get("volumeMounts") or ()
    for each in sorted(mounts, key=lambda entry: str(entry["mountPath"])):
        _link(each, volumes[each["name"]], container["name"], root)
    for place in ("home/agent", "tmp", "dev"):
        (root / place).mkdir(parents=True, exist_ok=True)
    return root


def _link(entry: Mapping[str, Any], volume: Path, container: str, root: Path) -> None:
    target = volume / entry.get("subPath", "")
    if not target.exists():
        message = f'failed to prepare subPath for volumeMount "{entry["name"]}" of container "{container}"'
        raise NotReadyError(CONFIG_ERROR, message)
    place = root / entry["mountPath"].strip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def _volume(volume: Mapping[str, Any], uid: str, sources: Sources, layout: Layout) -> Path:
    name: str = volume["name"]
    place = layout.volumes(uid) / name
    match volume:
        case {"persistentVolumeClaim": {"claimName": claim}}:
            sources.bind(claim)
            place = layout.claim(sources.namespace, claim)
            place.mkdir(parents=True, exist_ok=True)
        case {"configMap": source}:
            files = _projected(name, source, sources.config_map(source["name"]), "configmap", source["name"])
            _write(place, files, int(source.get("defaultMode", FILE_MODE)) & ~WRITE_BITS)
        case {"secret": source}:
            secret = source["secretName"]
            files = _projected(name, source, sources.secret(secret), "secret", secret)
            _write(place, {path: (data, None) for path, (data, _) in files.items()}, SECRET_MODE)
        case {"emptyDir": _}:
            place.mkdir(parents=True)
        case _:
            known = "configMap, secret, emptyDir and persistentVolumeClaim"
            raise NotReadyError(FAILED_MOUNT, f'volume "{name}" is of a kind that is not supported here; use {known}')
    return place


def _projected(
    volume: str, source: Mapping[str, Any], files: Mapping[str, bytes] | None, word: str, name: str
) -> dict[str, tuple[bytes, int | None]]:
    """The files of a ConfigMap or Secret volume by path, each with its own mode if it has one."""
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


def _write(place: Path, files: Mapping[str, tuple[bytes, int | None]], default_mode: int) -> None:
    place.mkdir(parents=True)
    for path, (data, mode) in files.items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        file.write_bytes(data)
        file.chmod(default_mode if mode is None else int(mode) & ~WRITE_BITS)
