"""Strategic merge patches, which kubectl and the Python client send for built-in kinds.

They differ from merge patches in lists with a merge key, which are merged item by item. The keys are those of the
supported kinds in Kubernetes (`patchMergeKey` in k8s.io/api); all other lists are replaced.
"""

from typing import Any

from functions.local.apiserver.errors import Obj

MERGE_KEYS = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
SETS = ("finalizers",)
DIRECTIVE, DELETE_ITEMS, ORDER, RETAIN = "$patch", "$deleteFromPrimitiveList/", "$setElementOrder/", "$retainKeys"


def strategic_merge(present: Any, patch: Obj) -> Obj:
    """Apply a patch; `present` may be changed."""
    replaced = not isinstance(present, dict) or patch.get(DIRECTIVE) == "replace"
    merged: Obj = {} if replaced else present
    for field in set(merged) - set(patch.get(RETAIN, merged)):
        del merged[field]
    for field, value in patch.items():
        if field.startswith(DELETE_ITEMS):
            name = field.removeprefix(DELETE_ITEMS)
            merged[name] = [item for item in merged.get(name, []) if item not in value]
        elif not field.startswith("$"):
            _merge_field(merged, field, value)
    for field, order in patch.items():
        if field.startswith(ORDER):
            _reorder(merged, field.removeprefix(ORDER), order)
    return merged


def _merge_field(present: Obj, field: str, value: Any) -> None:
    if value is None:
        present.pop(field, None)
    elif isinstance(value, dict):
        present[field] = strategic_merge(present.get(field), value)
    elif isinstance(value, list):
        present[field] = _merge_list(field, present.get(field) or [], value)
    else:
        present[field] = value


def _merge_list(field: str, present: list[Any], patch: list[Any]) -> list[Any]:
    if field in SETS:
        return patch + [item for item in present if item not in patch]
    key = MERGE_KEYS.get(field)
    if key is None or not all(isinstance(item, dict) for item in present + patch):
        return patch
    if {DIRECTIVE: "replace"} in patch:
        return [item for item in patch if DIRECTIVE not in item]
    merged = list(present)
    for change in patch:
        _merge_item(merged, key, change)
    return merged


def _merge_item(items: list[Obj], key: str, change: Obj) -> None:
    position = next((index for index, item in enumerate(items) if item.get(key) == change.get(key)), None)
    if change.get(DIRECTIVE) == "delete":
        if position is not None:
            del items[position]
    elif position is None:
        items.append(strategic_merge({}, change))
    else:
        items[position] = strategic_merge(items[position], change)


def _reorder(present: Obj, field: str, order: list[Any]) -> None:
    """Sort the items named in `order` accordingly; the others follow."""
    items, key = present.get(field), MERGE_KEYS.get(field)
    if not isinstance(items, list):
        return
    ordered_keys = [item.get(key) if isinstance(item, dict) else item for item in order]
    identity = [item.get(key) if isinstance(item, dict) else item for item in items]
    ranks = {value: rank for rank, value in enumerate(ordered_keys)}
    ranked = sorted(zip(identity, items, strict=True), key=lambda pair: ranks.get(pair[0], len(ordered_keys)))
    present[field] = [item for _, item in ranked]
