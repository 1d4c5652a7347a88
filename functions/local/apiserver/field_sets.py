"""Fields of an object as paths, and merging by path, for server-side apply.

A path has the elements of FieldsV1 (k8s.io/apimachinery, ManagedFieldsEntry): `f:NAME` is a field, `v:...` a value of
a set, `k:{...}` what is in the list item with these keys and, followed by `.`, the item itself. Every other list is
one field.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from functions.local.apiserver.errors import Obj
from functions.local.apiserver.strategic import MERGE_KEYS, SETS

Path = tuple[str, ...]
Lists = Mapping[str, tuple[str, ...]]
"""Item keys of each list by the name of its field, empty for a set; a list that is missing is one field."""

OF_METADATA: Lists = {"ownerReferences": ("uid",), "finalizers": ()}
BUILT_IN: Lists = {**{name: (key,) for name, key in MERGE_KEYS.items()}, **dict.fromkeys(SETS, ())}
OWNED_METADATA = ("annotations", "finalizers", "labels", "ownerReferences")


def lists_of(structural: Obj) -> Lists:
    """Return the lists of a custom resource that its schema declares as maps or sets."""
    fields = dict(OF_METADATA)
    for name, schema in structural.get("properties", {}).items():
        fields.update({**lists_of(schema), **lists_of(schema.get("items", {}))})
        if schema.get("x-kubernetes-list-type") in ("map", "set"):
            fields[name] = tuple(schema.get("x-kubernetes-list-map-keys", ()))
    return fields


def fields(obj: Obj, lists: Lists) -> dict[Path, Any]:
    """Return the value at each path of an object; of its metadata, only labels, annotations, finalizers and owners."""
    metadata = {name: value for name, value in obj.get("metadata", {}).items() if name in OWNED_METADATA}
    rest = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
    return dict(_leaves({**rest, "metadata": metadata}, lists, ()))


def _leaves(value: Any, lists: Lists, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            items = _items(inner, lists.get(name))
            below = (*path, f"f:{name}")
            if items is None:
                yield from _leaves(inner, lists, below)
            for element, item in (items or {}).items():
                if isinstance(item, dict):
                    yield (*below, element, "."), None
                    yield from _leaves(item, lists, (*below, element))
                else:
                    yield (*below, element), None
    else:
        yield path, value


def _items(value: Any, keys: tuple[str, ...] | None) -> dict[str, Any] | None:
    """Return the items of a list by their path element; None if the value is one field."""
    wanted = dict if keys else str
    if keys is None or not isinstance(value, list) or not all(isinstance(item, wanted) for item in value):
        return None
    return {_element({key: item.get(key) for key in keys} if keys else item): item for item in value}


def _element(identity: Any) -> str:
    return ("k:" if isinstance(identity, dict) else "v:") + json.dumps(identity, sort_keys=True, separators=(",", ":"))


def merge(present: Any, applied: Any, lists: Lists, name: str = "") -> Any:
    """Return the present value with the applied fields; `name` is that of its field."""
    if isinstance(present, dict) and isinstance(applied, dict):
        return {**present, **{key: merge(present.get(key), value, lists, key) for key, value in applied.items()}}
    before, items = _items(present, lists.get(name)), _items(applied, lists.get(name))
    if before is None or items is None:
        return applied
    merged = {**before, **{element: merge(before.get(element), item, lists) for element, item in items.items()}}
    return list(merged.values())


def without(value: Any, path: Path) -> Any:
    """Return the value without the path and without parents that become empty; None if nothing is left."""
    if path in ((), (".",)):
        return None
    name = path[0][2:]
    if isinstance(value, dict) and path[0].startswith("f:") and name in value:
        rest = {key: inner for key, inner in value.items() if key != name}
        inner = without(value[name], path[1:])
        return (rest or None) if inner is None else {**rest, name: inner}
    if isinstance(value, list) and not path[0].startswith("f:"):
        kept = [_without_in_item(item, json.loads(name), path[1:]) for item in value]
        return [item for item in kept if item is not None] or None
    return value


def _without_in_item(item: Any, identity: Any, path: Path) -> Any:
    """Return the item without the path if it has this identity; its keys are removed only with the item."""
    if not isinstance(identity, dict):
        return without(item, path) if item == identity else item
    same = isinstance(item, dict) and all(item.get(key) == value for key, value in identity.items())
    is_key = bool(path) and path[0][2:] in identity
    return item if not same or is_key else without(item, path)


def to_wire(paths: Iterable[Path]) -> Obj:
    """Return the paths as FieldsV1."""
    tree: Obj = {}
    for path in sorted(paths):
        branch = tree
        for element in path:
            branch = branch.setdefault(element, {})
    return tree


def from_wire(tree: Obj, above: Path = ()) -> Iterator[Path]:
    """Yield the paths of FieldsV1; raise AttributeError or ValueError if it is malformed."""
    for element, branch in tree.items():
        if not _is_element(element):
            raise ValueError(f"{element} is not an element of a path")
        yield from from_wire(branch, (*above, element)) if branch else [(*above, element)]


def _is_element(element: str) -> bool:
    kind, text = element[:2], element[2:]
    return (
        element == "."
        or kind == "f:"
        or (kind in ("k:", "v:") and isinstance(json.loads(text), dict) == (kind == "k:"))
    )


def shown(path: Path) -> str:
    """Return a path for people, such as `.spec.containers[name="c"].image`."""
    return "".join(_shown(element) for element in path if element != ".")


def _shown(element: str) -> str:
    kind, text = element[:2], element[2:]
    if kind == "f:":
        return f".{text}"
    identity = json.loads(text)
    if kind == "v:":
        return f"[={json.dumps(identity)}]"
    return f"[{','.join(f'{key}={json.dumps(value)}' for key, value in identity.items())}]"
