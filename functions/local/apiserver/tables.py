"""Tables, as printed by `kubectl get`.

The columns of built-in kinds are defined in columns.py, those of custom kinds in their CRDs.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from functions.local.apiserver.columns import AGE, COLUMNS, NAME, Column, ago
from functions.local.apiserver.errors import Obj
from functions.local.apiserver.jsonpath import compile_path
from functions.local.apiserver.kinds import Kind

TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "string": (str, int, float, bool),
}


def table(kind: Kind, objects: list[Obj], now: datetime, include: str) -> Obj:
    """Return the table of these objects.

    `include` selects what each row contains of its object (query parameter includeObject): Metadata or Object.
    """
    columns = _columns(kind)
    shown = objects if include == "Object" else map(partial, objects)
    rows = [
        {"cells": [column.cell(obj, now) for column in columns], "object": part}
        for obj, part in zip(objects, shown, strict=True)
    ]
    version = objects[0]["metadata"]["resourceVersion"] if len(objects) == 1 else ""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [column.definition() for column in columns],
        "rows": rows,
    }


def partial(obj: Obj) -> Obj:
    """Return only the object's metadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


@cache
def _columns(kind: Kind) -> tuple[Column, ...]:
    if not kind.custom:
        return COLUMNS.get(kind.resource, (NAME, AGE))
    declared = kind.printer_columns or ({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},)
    return (NAME, *(_declared(column) for column in declared))


def _declared(column: Obj) -> Column:
    return Column(
        column["name"],
        _date(column["jsonPath"]) if column["type"] == "date" else _value(column["jsonPath"], column["type"]),
        wide=column.get("priority", 0) > 0,
        type=column["type"],
        format=column.get("format", ""),
        description=column.get("description", ""),
    )


def _value(path: str, kind: str) -> Callable[[Obj, datetime], Any]:
    """Return a cell function for the first value at a path; a value of another type gives None."""
    values = compile_path(path)

    def cell(obj: Obj, _: datetime) -> Any:
        value = next(iter(values(obj)), None)
        return value if isinstance(value, TYPES[kind]) else None

    return cell


def _date(path: str) -> Callable[[Obj, datetime], Any]:
    values = compile_path(path)

    def cell(obj: Obj, now: datetime) -> Any:
        value = next(iter(values(obj)), None)
        return None if value is None else ago(value, now)

    return cell
