"""The deliberate differences between the embedded API server and the real one, each with its reason.

Answers of both servers are rewritten by this list before they are compared; everything else must be equal.

Requests that are not generated, because the servers differ in more than messages:
- unknown fields below the top of built-in objects: they are kept, the real server drops them
- `spec.nodeName` of an existing pod: the runner sets it; the real scheduler uses pods/binding
- a merge patch that is not an object: 422, or 500 on old servers for custom resources
- strategic patches that remove a missing field: old servers store an empty text, or the directive's list
- odd input that only old servers accept: a JSON patch replaces a missing field, a null in a map becomes '',
  a strategic directive below a missing field is kept as data, a merge patch without apiVersion reports the name
- writes of fields that the server ignores (another part of the object at /status, a deletionTimestamp): the real server
  records them in managedFields and gives the object a new version
- Jobs without labels: the real server stores their default labels only with the first update
"""

import json
import re
from collections.abc import Callable
from typing import Any

GIVEN_GENERATION = 7
"""Generation in generated operations; no object here is changed so often."""
DECODER = re.compile(r"(?s)( cannot be handled as a \w+|must be of type \w+\)?): .*")


def _decoder(text: str) -> str:
    return DECODER.sub(r"\1: ...", text)


def _operators(text: str) -> str:
    return re.sub(r"expected: '=', .*|expected: in, notin, .*", "expected: an operator", text)


def _difference(text: str) -> str:
    return re.sub(r"(?s)(additions to existing tolerations\)).*", r"\1 ...", text)


def _values(text: str) -> str:
    return re.sub(
        r"Invalid value: (\"object\"|\[\]|map\[string\]string|v1\.|core\.|\{).*?: (?=[`a-zA-Z])",
        "Invalid value: ...: ",
        text,
    )


def _storage(text: str) -> str:
    return re.sub(r"Key: \S+,", "Key: ...,", text)


def _patch(text: str) -> str:
    return re.sub(r"(?s)(patch: )?(Invalid value: \"(\{|map\[|patched object).*)", r"\1Invalid value: ...", text)


def _index(text: str) -> str:
    return re.sub(r"\[\d+\]", "", text)


WORDS: list[tuple[str, Callable[[str], str]]] = [
    ("Go's JSON decoder names Go types, byte offsets and source files; other versions name others", _decoder),
    ("the operators of a label selector are listed otherwise by each version", _operators),
    ("what changed in a pod is shown as Go prints the difference", _difference),
    ("a value that is an object is shown as JSON, not as a Go structure", _values),
    ("the key under which etcd holds an object is the server's own affair", _storage),
    ("a patch that does not fit is not answered with the whole object: it may be a Secret", _patch),
    ("the place of an item in a list is named; old servers leave it out", _index),
]


def _drop_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _drop_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_drop_nulls(inner) for inner in value] if isinstance(value, list) else value


def _no_job_generation(value: Any) -> Any:
    for item in _objects(value):
        if item.get("kind") == "Job" or "template" in item.get("spec", ()):
            item["metadata"].pop("generation", None)
    return value


def _no_generation(value: Any) -> Any:
    for item in _objects(value):
        if item["metadata"].get("generation") == GIVEN_GENERATION:
            del item["metadata"]["generation"]
    return value


def _no_empty_token(value: Any) -> Any:
    if isinstance(value, dict) and value.get("metadata", {}).get("continue") == "":
        del value["metadata"]["continue"]
    return value


def _causes_in_order(value: Any) -> Any:
    if isinstance(value, dict) and (value.get("details") or {}).get("causes"):
        causes = value["details"]["causes"]
        once = {json.dumps(cause, sort_keys=True): cause for cause in causes}
        value["details"]["causes"] = [once[text] for text in sorted(once)]
        value["message"] = re.sub(r"(?s) is invalid: .*", " is invalid: (its causes)", value["message"])
    return value


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in an answer: itself, the items of a list, or the objects of watch events."""
    if isinstance(value, list):
        return [found for each in value for found in _objects(each.get("object", {}))]
    return [item for item in value.get("items", [value]) if "metadata" in item]


OBJECTS: list[tuple[str, Callable[[Any], Any]]] = [
    ("Go writes some empty fields as null (creationTimestamp of a template): absent to any client", _drop_nulls),
    ("old servers have no generation for Jobs, newer ones do, and so does the embedded one", _no_job_generation),
    ("a generation that a client gives to an object of a kind without one is not kept", _no_generation),
    ("an empty continue token is left out", _no_empty_token),
    (
        "problems come in the order of a Go map, and those of a Job twice; the message repeats them all",
        _causes_in_order,
    ),
]  # fmt: skip


def alike(value: Any) -> Any:
    """Return an answer without the deliberate differences."""
    value = _each_text(value)
    for _, rewrite in OBJECTS:
        value = rewrite(value)
    return value


def _each_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _each_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner) for inner in value]
    if isinstance(value, str):
        for _, rewrite in WORDS:
            value = rewrite(value)
    return value
