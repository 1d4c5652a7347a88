"""PATCH: merge, JSON and strategic merge patches, and the kinds that accept them."""

from typing import Any

import pytest

from tests.contract.apiserver.client import JSON_PATCH, MERGE, STRATEGIC, Obj
from tests.contract.apiserver.samples import Namespace, config_map, pod, refused, sample

REJECTED = "the server rejected our request due to an error in our request"


def test_merge_patch_sets_and_removes_fields(namespace: Namespace) -> None:
    namespace.create(sample(meta={"labels": {"a": "1", "b": "2"}}, env=[{"name": "A"}], directory="x"))
    patch = {"metadata": {"labels": {"a": None, "c": "3"}}, "spec": {"env": [{"name": "B"}], "directory": None}}
    patched = namespace.server.patch(namespace.path(name="a"), patch)
    assert patched.code == 200
    assert patched.body["metadata"]["labels"] == {"b": "2", "c": "3"}
    assert patched.body["spec"]["env"] == [{"name": "B", "value": ""}]
    assert "directory" not in patched.body["spec"]
    assert patched.body["metadata"]["generation"] == 2


def test_removed_field_gets_its_default_again(namespace: Namespace) -> None:
    namespace.create(sample(mode="minimal"))
    assert namespace.server.patch(namespace.path(name="a"), {"spec": {"mode": None}}).body["spec"]["mode"] == "default"


def test_patch_of_the_main_endpoint_keeps_the_status(namespace: Namespace) -> None:
    namespace.create(sample())
    patched = namespace.server.patch(
        namespace.path(name="a"), {"status": {"attempt": 9}, "spec": {"cancel": True}}
    ).body
    assert patched["spec"]["cancel"] is True
    assert "status" not in patched


def test_patch_of_the_status_keeps_the_other_fields(namespace: Namespace) -> None:
    created = namespace.create(sample())
    patch = {"status": {"attempt": 3}, "spec": {"task": 11}, "metadata": {"labels": {"a": "b"}}}
    patched = namespace.server.patch(namespace.path(name="a", subresource="status"), patch).body
    assert (patched["status"], patched["spec"]) == ({"attempt": 3}, created["spec"])
    assert "labels" not in patched["metadata"]


def test_resource_version_in_a_patch_is_a_precondition(namespace: Namespace) -> None:
    created = namespace.create(sample())
    lock = {"metadata": {"resourceVersion": created["metadata"]["resourceVersion"]}}
    assert namespace.server.patch(namespace.path(name="a"), {**lock, "spec": {"task": 2}}).code == 200
    answer = namespace.server.patch(namespace.path(name="a"), {**lock, "spec": {"task": 3}})
    refused(
        answer,
        409,
        "Conflict",
        'Operation cannot be fulfilled on samples.contract.agents.platform "a": the object has been modified; '
        "please apply your changes to the latest version and try again",
    )
    assert namespace.get("a")["spec"]["task"] == 2


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        (
            {"metadata": {"uid": "1"}},
            422,
            'Sample.contract.agents.platform "a" is invalid: metadata.uid: Invalid value: "1": field is immutable',
        ),
        ({"metadata": {"name": "b"}}, 400, "the name of the object (b) does not match the name on the URL (a)"),
        (
            {"kind": "Other"},
            422,
            'Other.contract.agents.platform "a" is invalid: kind: Invalid value: "Other": must be Sample',
        ),
        (
            {"spec": {"task": "x"}},
            422,
            'Sample.contract.agents.platform "a" is invalid: spec.task: Invalid value: "string": spec.task in body '
            'must be of type integer: "string"',
        ),
    ],
)
def test_invalid_patch_is_rejected(namespace: Namespace, patch: Obj, code: int, message: str) -> None:
    created = namespace.create(sample())
    answer = namespace.server.patch(namespace.path(name="a"), patch)
    assert (answer.code, answer.message) == (code, message)
    assert namespace.get("a") == created


def test_patch_of_a_missing_object_is_not_found(namespace: Namespace) -> None:
    answer = namespace.server.patch(namespace.path(name="a"), {"spec": {"task": 2}})
    refused(answer, 404, "NotFound", 'samples.contract.agents.platform "a" not found')


@pytest.mark.parametrize("body", [b'{"a":', b"", b'"text"', b"[]"])
def test_an_invalid_merge_patch_is_refused(namespace: Namespace, body: bytes) -> None:
    created = namespace.create(sample())
    answer = namespace.server.patch(namespace.path(name="a"), body)
    assert answer.code >= 400  # old servers answer 500, newer ones 400 or 422
    assert namespace.get("a") == created


def test_json_patch_tests_and_replaces_fields(namespace: Namespace) -> None:
    namespace.create(sample())
    operations = [
        {"op": "test", "path": "/spec/task", "value": 1},
        {"op": "replace", "path": "/spec/task", "value": 7},
        {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}},
    ]
    patched = namespace.server.patch(namespace.path(name="a"), operations, JSON_PATCH).body
    assert (patched["spec"]["task"], patched["metadata"]["labels"]) == (7, {"a": "b"})


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "test", "path": "/spec/task", "value": 9}, {"op": "replace", "path": "/spec/task", "value": 3}],
        [{"op": "remove", "path": "/spec/nothing"}],
        [{"op": "add", "path": "/spec/nothing/at/all", "value": 1}],
        [{"op": "odd", "path": "/spec/task"}],
    ],
)
def test_json_patch_that_cannot_be_applied_is_rejected(namespace: Namespace, operations: list[Obj]) -> None:
    created = namespace.create(sample())
    refused(namespace.server.patch(namespace.path(name="a"), operations, JSON_PATCH), 422, "Invalid", REJECTED)
    assert namespace.get("a") == created


def test_json_patch_that_is_not_a_list_is_rejected(namespace: Namespace) -> None:
    namespace.create(sample())
    answer = namespace.server.patch(namespace.path(name="a"), {}, JSON_PATCH)
    refused(answer, 400, "BadRequest", "json: cannot unmarshal object into Go value of type jsonpatch.Patch")


@pytest.mark.parametrize("media", [STRATEGIC, "application/json", "text/plain", ""])
def test_strategic_patch_of_a_custom_resource_is_rejected(namespace: Namespace, media: str) -> None:
    namespace.create(sample())
    answer = namespace.server.patch(namespace.path(name="a"), {}, media)
    assert (answer.code, answer.reason) == (415, "UnsupportedMediaType")
    assert answer.message.startswith(
        f"the body of the request was in an unknown format - accepted media types include: {JSON_PATCH}, {MERGE}"
    )


STRATEGIC_CASES: list[tuple[Any, Any, Any]] = [
    ([{"name": "A", "value": "1"}], [{"name": "B", "value": "2"}], {"A": "1", "B": "2"}),
    ([{"name": "A", "value": "1"}], [{"name": "A", "value": "2"}], {"A": "2"}),
    (
        [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        [{"name": "A", "$patch": "delete"}],
        {"B": "2"},
    ),
    ([{"name": "A", "value": "1"}], [{"$patch": "replace"}, {"name": "C", "value": "3"}], {"C": "3"}),
]


@pytest.mark.parametrize(("present", "patch", "expected"), STRATEGIC_CASES)
def test_strategic_patch_merges_conditions_by_type(
    namespace: Namespace, present: Any, patch: Any, expected: Any
) -> None:
    def conditions(items: list[Obj]) -> list[Obj]:
        renamed = {"name": "type", "value": "message"}
        return [{renamed.get(key, key): value for key, value in item.items()} for item in items]

    namespace.create(pod(), "pods")
    path = namespace.path("pods", "a", "status")
    namespace.server.patch(path, {"status": {"conditions": conditions(present)}})
    patched = namespace.server.patch(path, {"status": {"conditions": conditions(patch)}}, STRATEGIC)
    assert patched.code == 200
    assert {each["type"]: each["message"] for each in patched.body["status"]["conditions"]} == expected


def test_strategic_patch_merges_finalizers_and_maps(namespace: Namespace) -> None:
    namespace.create(config_map(meta={"finalizers": ["a.b/c"], "labels": {"x": "1"}}, data={"a": "1"}), "configmaps")
    patch = {
        "metadata": {"finalizers": ["d.e/f"], "labels": {"x": None, "y": "2"}},
        "data": {"b": "2"},
    }
    path = namespace.path("configmaps", "a")
    patched = namespace.server.patch(path, patch, STRATEGIC).body
    assert sorted(patched["metadata"]["finalizers"]) == ["a.b/c", "d.e/f"]
    assert (patched["metadata"]["labels"], patched["data"]) == ({"y": "2"}, {"a": "1", "b": "2"})
    removed = namespace.server.patch(path, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.b/c"]}}, STRATEGIC)
    assert removed.body["metadata"]["finalizers"] == ["d.e/f"]
