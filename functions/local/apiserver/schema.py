"""Structural schemas: pruning of unknown fields and nulls, and defaulting, of custom resources.

The rules are those of "Extend the Kubernetes API with CustomResourceDefinitions": pruning, defaulting and
nullable. A null where null is not allowed counts as absent.
"""

import copy
from typing import Any

from functions.local.apiserver.errors import Obj

ROOT_FIELDS = frozenset({"apiVersion", "kind", "metadata"})  # every object has them; schemas do not name them
NESTED = (dict, list)  # the types of values that contain others


def prune(schema: Obj, obj: Obj) -> list[str]:
    """Remove the fields of an object that its schema does not define; return their paths."""
    unknown: list[str] = []
    properties = {name: sub for name, sub in schema.get("properties", {}).items() if name not in ROOT_FIELDS}
    known = {**properties, **dict.fromkeys(ROOT_FIELDS, ANYTHING)}
    _prune({**schema, "properties": known}, obj, "", unknown)
    return unknown


ANYTHING: Obj = {"x-kubernetes-preserve-unknown-fields": True}


def _prune(schema: Obj, value: Any, path: str, unknown: list[str]) -> None:
    if isinstance(value, dict):
        _prune_fields(schema, value, path, unknown)
    elif isinstance(value, list):
        items = schema.get("items", ANYTHING)
        for index, item in enumerate(value):
            _prune(items, item, f"{path}[{index}]", unknown)


def _prune_fields(schema: Obj, value: Obj, path: str, unknown: list[str]) -> None:
    for name, inner in list(value.items()):
        sub = field_schema(schema, name)
        if sub is None:
            del value[name]
            unknown.append(f"{path}.{name}" if path else name)
        elif inner is None and name in schema.get("properties", ()) and not _nullable(sub):
            del value[name]
        elif isinstance(inner, NESTED):
            _prune(sub, inner, f"{path}.{name}" if path else name, unknown)


def field_schema(schema: Obj, name: str) -> Obj | None:
    """Return the schema of one field of an object; None if the field is unknown."""
    declared: Obj | None = schema.get("properties", {}).get(name)
    if declared is not None:
        return declared
    extra = schema.get("additionalProperties")
    if extra:
        return extra if isinstance(extra, dict) else ANYTHING
    return ANYTHING if schema.get("x-kubernetes-preserve-unknown-fields") else None


def _nullable(schema: Obj) -> bool:
    return bool(schema.get("nullable")) or schema is ANYTHING or "type" not in schema


def default(schema: Obj, value: Any) -> None:
    """Set the defaults below `value`."""
    if isinstance(value, dict):
        _default_fields(schema, value)
    elif isinstance(value, list):
        items = schema.get("items", {})
        for item in value:
            default(items, item)


def _default_fields(schema: Obj, value: Obj) -> None:
    properties: Obj = schema.get("properties", {})
    for name, sub in properties.items():
        if name not in value and "default" in sub:
            value[name] = copy.deepcopy(sub["default"])
        if isinstance(value.get(name), NESTED):
            default(sub, value[name])
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        for name in value.keys() - properties.keys():
            default(extra, value[name])
