"""Server-side apply: the owners of an object's fields (`metadata.managedFields`) and the result of an apply.

The rules are those of "Server-Side Apply" in the documentation of Kubernetes. Owners are recorded from the first apply
on. Fields that existed before belong to `before-first-apply`, as on the real server for objects without managedFields.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from functions.local.apiserver import field_owners, field_sets
from functions.local.apiserver.errors import Cause, Obj, StatusError
from functions.local.apiserver.field_owners import Owner
from functions.local.apiserver.field_sets import OWNED_METADATA, Lists, Path
from functions.local.apiserver.requests import Target, WriteOptions

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation that client-side `kubectl apply` leaves."""


@dataclass(frozen=True, slots=True)
class Write:
    """The target, options and time of one write."""

    target: Target
    options: WriteOptions
    time: str

    @property
    def lists(self) -> Lists:
        """The lists in which each item has an owner."""
        return self.target.kind.rules.lists

    @property
    def owner(self) -> Owner:
        """An entry of the writer, without fields."""
        operation = "Apply" if self.options.apply else "Update"
        version, part = self.target.kind.api_version, self.target.subresource or ""
        return Owner(self.options.manager, operation, version, part, self.time)


def applied(live: Obj | None, config: Obj, write: Write) -> Obj:
    """Return the live object (None: a new one) with the configuration applied, and with its managedFields.

    Raises:
        StatusError: 409 if another manager owns a field that changes and the write is not forced.
    """
    config = _part(config, write.target)
    mine = frozenset(field_sets.fields(config, write.lists))
    if live is None:
        return _with_owners(config, [replace(write.owner, paths=mine)])
    owners = field_owners.owners(live) or [_first_owner(live, write)]
    previous = next((owner for owner in owners if owner.identity == write.owner.identity), write.owner)
    others = [owner for owner in owners if owner.identity != previous.identity]
    last = _last_applied(live) if write.options.manager == "kubectl" and not write.target.subresource else {}
    if last:
        previous, others = _of_kubectl(last, live, previous, others, write.lists)
        config = _annotated(config)
    merged = field_sets.merge(live, config, write.lists)
    dropped = (previous.paths - mine).intersection(field_sets.fields(merged, write.lists))  # clients edit the paths
    for path in sorted(_unowned(dropped, mine.union(*(owner.paths for owner in others)))):
        merged = field_sets.without(merged, path)
    changed, removed = _difference(live, merged, write.lists)
    if not write.options.force:
        _refuse_conflicts(others, changed & mine)
    same = previous.paths == mine and not changed and not removed
    time = previous.time if same and previous.time else write.time
    return _with_owners(merged, [*_reduced(others, changed | removed), replace(previous, paths=mine, time=time)])


def updated(old: Obj, new: Obj, given: Any, write: Write) -> list[Obj]:
    """Return the managedFields after another write, which may edit them; empty if the object was never applied."""
    owners = field_owners.edited(given, old)
    if not owners:
        return []
    changed, removed = _difference(old, new, write.lists)
    present = next((owner for owner in owners if owner.identity == write.owner.identity), write.owner)
    others = [owner for owner in owners if owner.identity != present.identity]
    time = write.time if changed else present.time
    mine = replace(present, paths=(present.paths | changed) - removed, time=time)
    return field_owners.wire([*_reduced(others, changed | removed), mine])


def _part(config: Obj, target: Target) -> Obj:
    """Return the part of the configuration that the target covers: the status, or everything else."""
    if not target.kind.has_status:
        return config
    if not target.subresource:
        return {name: value for name, value in config.items() if name != "status"}
    metadata = {name: value for name, value in config["metadata"].items() if name not in OWNED_METADATA}
    return {name: config[name] for name in ("apiVersion", "kind", "status") if name in config} | {"metadata": metadata}


def _first_owner(live: Obj, write: Write) -> Owner:
    """Return the owner of all fields of an object that was never applied."""
    paths = frozenset(field_sets.fields(live, write.lists))
    return Owner("before-first-apply", "Update", write.owner.version, "", write.time, paths)


def _of_kubectl(last: Obj, live: Obj, kubectl: Owner, others: list[Owner], lists: Lists) -> tuple[Owner, list[Owner]]:
    """Make kubectl the owner of fields from its last client-side apply that still have the same value."""
    present = field_sets.fields(live, lists)
    its = {path for path, value in field_sets.fields(last, lists).items() if (path, value) in present.items()}
    freed = [replace(owner, paths=owner.paths - its) if owner.operation == "Update" else owner for owner in others]
    return replace(kubectl, paths=kubectl.paths | its), freed


def _annotated(config: Obj) -> Obj:
    """Return the configuration with the annotation that the next client-side apply compares with."""
    metadata = config["metadata"]
    annotations = {**metadata.get("annotations", {}), LAST_APPLIED: f"{json.dumps(config)}\n"}
    return {**config, "metadata": {**metadata, "annotations": annotations}}


def _last_applied(live: Obj) -> Obj:
    """Return the configuration of the last client-side apply; empty if there is none."""
    try:
        applied = json.loads(live["metadata"].get("annotations", {}).get(LAST_APPLIED, ""))
    except (ValueError, RecursionError):
        return {}
    return applied if isinstance(applied, dict) and isinstance(applied.get("metadata"), dict) else {}


def _unowned(dropped: Iterable[Path], owned: Iterable[Path]) -> set[Path]:
    """Return the dropped paths that have no owned path at or below them."""
    kept = {path[:length] for path in owned for length in range(1, len(path) + 1)}
    return {path for path in dropped if (path[:-1] if path[-1] == "." else path) not in kept}


def _difference(old: Obj, new: Obj, lists: Lists) -> tuple[frozenset[Path], frozenset[Path]]:
    """Return the paths that were added or changed, and those that were removed."""
    before, after = field_sets.fields(old, lists), field_sets.fields(new, lists)
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    return frozenset(changed), frozenset(before.keys() - after.keys())


def _refuse_conflicts(others: list[Owner], changed: frozenset[Path]) -> None:
    found = sorted((owner.shown, sorted(map(field_sets.shown, owner.paths & changed))) for owner in others)
    found = [(owner, paths) for owner, paths in found if paths]
    causes = [Cause("FieldManagerConflict", path, f"conflict with {owner}") for owner, paths in found for path in paths]
    if not causes:
        return
    if len(causes) == 1:
        text = f"1 conflict: {causes[0].message}: {causes[0].field}"
    else:
        listed = (f"conflicts with {owner}:" + "".join(f"\n- {path}" for path in paths) for owner, paths in found)
        text = f"{len(causes)} conflicts: " + "\n".join(listed)
    raise StatusError(409, f"Apply failed with {text}", details={"causes": [cause.wire() for cause in causes]})


def _reduced(owners: list[Owner], lost: frozenset[Path]) -> list[Owner]:
    return [replace(owner, paths=owner.paths - lost) for owner in owners]


def _with_owners(obj: Obj, owners: list[Owner]) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "managedFields": field_owners.wire(owners)}}
