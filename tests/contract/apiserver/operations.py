"""Generated requests, valid and invalid, to the kinds that this project uses.

A request contains symbols (`$uid:jobs/a` is the uid that the server under test gave that Job), so that a sequence can
be sent to any server.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.apiserver.client import JSON_PATCH, MERGE, STRATEGIC, Obj
from tests.contract.apiserver.pieces import (
    BUILT_IN,
    CUSTOM,
    DATA,
    FIELD_SELECTORS,
    LABEL_SELECTORS,
    METADATA,
    NAMES,
    NO_UID,
    RUN_STATUSES,
    SPECS,
    STATUSES,
    merged,
    sample,
)


@dataclass(frozen=True)
class Operation:
    """One request. With `onto`, the body is merged into the object of the last answer."""

    method: str
    plural: str
    name: str = ""
    subresource: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    media: str = "application/json"
    onto: bool = False


def sequence(seed: str, length: int) -> list[Operation]:
    """Return the operations of a seed; most are on a few objects, so that they affect each other."""
    choose = random.Random(seed)
    kinds = choose.sample([*CUSTOM, *BUILT_IN], k=choose.choice((1, 2)))
    verbs: dict[Callable[[random.Random, str], Operation], int] = {
        _create: 6, _get: 1, _list: 3, _replace: 4, _replace_status: 2, _merge: 4, _merge_status: 2, _json: 3,
        _strategic: 3, _delete: 4, _watch: 2,
    }  # fmt: skip
    found = [_create(choose, kind) for kind in kinds]
    while len(found) < length:
        (verb,) = choose.choices(list(verbs), list(verbs.values()))
        found.append(verb(choose, choose.choice(kinds)))
    return found


def _change(choose: random.Random, plural: str) -> Obj:
    """Return a part of an object, valid or invalid."""
    if choose.random() < 0.35:
        return {"metadata": dict(choose.choice(METADATA))}
    if plural == "configmaps":
        return dict(choose.choice(DATA))
    return {"spec": dict(choose.choice(SPECS[plural]))}


def _create(choose: random.Random, plural: str) -> Operation:
    name = choose.choice(NAMES)
    body = sample(plural, name)
    for _ in range(choose.choice((0, 0, 1, 1, 2))):
        body = merged(body, _change(choose, plural))
    odd: list[Obj] = [
        {"metadata": {"name": "Not Valid"}}, {"metadata": {"name": None}}, {"kind": "Other"}, {"apiVersion": "v9"},
        {"metadata": {"resourceVersion": "5"}}, {"kind": None}, {"metadata": None}, {"spec": None},
        {"status": {"phase": "Running"}},
        {"metadata": {"name": "x" * 70}},
    ]  # fmt: skip
    if choose.random() < 0.15:
        body = merged(sample(plural, name), choose.choice(odd))
    return Operation("POST", plural, query=_dry(choose), body=body)


def _dry(choose: random.Random) -> dict[str, str]:
    found: list[dict[str, str]] = [{}, {"dryRun": "All"}, {"dryRun": "Some"}]
    return choose.choices(found, [20, 1, 1])[0]


def _get(choose: random.Random, plural: str) -> Operation:
    subresource = choose.choice(("", "", "status"))
    return Operation("GET", plural, choose.choice(NAMES), subresource)


def _list(choose: random.Random, plural: str) -> Operation:
    query = {}
    if choose.random() < 0.6:
        query["labelSelector"] = choose.choice(LABEL_SELECTORS)
    if choose.random() < 0.3:
        query["fieldSelector"] = choose.choice(FIELD_SELECTORS)
    if choose.random() < 0.5:
        query["limit"] = choose.choice(("1", "1", "2", "0", "x"))
    if choose.random() < 0.2:
        query["continue"] = f"$continue:{plural}"
    return Operation("GET", plural, query=query)


def _version(choose: random.Random, plural: str, name: str) -> Obj:
    """Return version and identity in the metadata of an update."""
    where = f"{plural}/{name}"
    said: list[Obj] = [
        {},
        {"resourceVersion": f"$stale:{where}"},
        {"resourceVersion": None},
        {"uid": NO_UID},
        {"uid": None},
        {"name": "other"},
        {"namespace": "elsewhere"},
    ]
    return choose.choices(said, [12, 3, 2, 1, 1, 1, 1])[0]


def _replace(choose: random.Random, plural: str) -> Operation:
    name = choose.choice(NAMES)
    body = merged(_change(choose, plural), {"metadata": {}})
    body = merged(body, {"metadata": {**body["metadata"], **_version(choose, plural, name)}})
    body["metadata"] |= {key: None for key, value in _version(choose, plural, name).items() if value is None}
    return Operation("PUT", plural, name, query=_dry(choose), body=body, onto=True)


def _replace_status(choose: random.Random, plural: str) -> Operation:
    name = choose.choice(NAMES)
    body: Obj = {"status": choose.choice(STATUSES.get(plural, RUN_STATUSES))}
    body["metadata"] = _version(choose, plural, name)
    return Operation("PUT", plural, name, "status", _dry(choose), body, onto=True)


def _merge(choose: random.Random, plural: str) -> Operation:
    name = choose.choice(NAMES)
    patch = _change(choose, plural)
    if choose.random() < 0.3:
        patch = {"metadata": {**_version(choose, plural, name)}, **patch}
    if choose.random() < 0.05:
        patch = choose.choice([{"kind": "Other"}, {"data": {"k": None}}])
    return Operation("PATCH", plural, name, query=_dry(choose), body=patch, media=MERGE)


def _merge_status(choose: random.Random, plural: str) -> Operation:
    patch = {"status": choose.choice(STATUSES.get(plural, RUN_STATUSES))}
    media = choose.choice((MERGE, STRATEGIC)) if plural in BUILT_IN else MERGE
    return Operation("PATCH", plural, choose.choice(NAMES), "status", body=patch, media=media)


def _json(choose: random.Random, plural: str) -> Operation:
    steps: list[Any] = [
        {"op": "add", "path": "/metadata/labels", "value": {"app": "x"}},
        {"op": "add", "path": "/metadata/labels/app", "value": "y"},
        {"op": "remove", "path": "/metadata/labels"},
        {"op": "remove", "path": "/metadata/finalizers"},
        {"op": "add", "path": "/metadata/finalizers/-", "value": "a.b/c"},
        {"op": "test", "path": "/metadata/name", "value": "a"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
        {"op": "copy", "from": "/metadata/name", "path": "/metadata/annotations"},
        {"op": "move", "from": "/metadata/labels", "path": "/metadata/annotations"},
        {"op": "replace", "path": "/metadata/name", "value": "other"},
        {"op": "odd", "path": "/metadata/name", "value": "other"},
        {"op": "add", "path": "nopath", "value": 1},
        {"op": "add", "path": "/spec/maxRetries", "value": 3},
        {"op": "add", "path": "/spec/maxRetries", "value": "x"},
        {"op": "add", "path": "/data/k", "value": "2"},
        {"op": "remove", "path": "/spec"},
    ]
    if plural in BUILT_IN:
        steps = [step for step in steps if step["path"] not in ("/spec/maxRetries", "/spec")]
    body: Any = choose.sample(steps, k=choose.choice((1, 1, 2)))
    if choose.random() < 0.05:
        body = choose.choice([{}, "x", [1]])
    return Operation("PATCH", plural, choose.choice(NAMES), body=body, media=JSON_PATCH)


def _strategic(choose: random.Random, plural: str) -> Operation:
    containers = [{"name": "c", "image": "z:2"}]
    extra: dict[str, list[Obj]] = {
        "pods": [
            {"spec": {"containers": containers}},
            {"spec": {"containers": [{"name": "d", "image": "z"}]}},
            {"spec": {"containers": [{"name": "c", "$patch": "delete"}]}},
        ],
        "jobs": [{"spec": {"template": {"spec": {"containers": containers}}}}],
        "configmaps": [{"$retainKeys": ["data"], "data": {"x": "y"}}],
    }
    both: list[Obj] = [
        {"metadata": {"finalizers": ["a.b/c"]}},
        {"metadata": {"labels": {"tier": "q"}}},
    ]
    change = _change(choose, plural)
    if "null" not in json.dumps(change):
        both.append(change)
    patch = choose.choice([*both, *extra.get(plural, ())])
    return Operation("PATCH", plural, choose.choice(NAMES), query=_dry(choose), body=patch, media=STRATEGIC)


def _delete(choose: random.Random, plural: str) -> Operation:
    name = choose.choice(NAMES)
    where = f"{plural}/{name}"
    options: list[Any] = [
        None,
        {},
        {"propagationPolicy": "Background"},
        {"propagationPolicy": "Background", "preconditions": {"uid": f"$uid:{where}"}},
        {"propagationPolicy": "Foreground"},
        {"propagationPolicy": "Orphan"},
        {"propagationPolicy": "Odd"},
        {"preconditions": {"uid": NO_UID}},
        {"preconditions": {"resourceVersion": f"$version:{where}"}},
        {"preconditions": {"resourceVersion": f"$stale:{where}"}},
        {"gracePeriodSeconds": 0},
        {"gracePeriodSeconds": 5},
        {"gracePeriodSeconds": -1},
        {"dryRun": ["All"]},
        {"dryRun": ["Odd"]},
    ]
    return Operation("DELETE", plural, name, query=_dry(choose), body=choose.choice(options))


def _watch(choose: random.Random, plural: str) -> Operation:
    query = {"resourceVersion": choose.choice(("$first", "$first", f"$stale:{plural}/a", f"$version:{plural}/a"))}
    if choose.random() < 0.4:
        query["labelSelector"] = choose.choice(("app=x", "app!=x", "!app", "tier"))
    return Operation("WATCH", plural, query=query)
