"""Server-side apply: fields of each manager, their ownership, and conflicts."""

import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conftest import SCALE
from tests.contract.apiserver.client import APPLY, JSON_PATCH, MERGE, Answer, Obj, Server
from tests.contract.apiserver.conftest import new_namespace
from tests.contract.apiserver.samples import Namespace, config_map, pod, refused, sample

NONE = {"metadata": {"name": "none"}}
OPTIONS = 'PatchOptions.meta.k8s.io "" is invalid: '


def apply(
    namespace: Namespace, body: Any, manager: str = "x", *, plural: str = "configmaps", media: str = APPLY, **query: str
) -> Answer:
    named = {"fieldManager": manager} if manager else {}
    name, _, subresource = query.pop("at", "a").partition("/")
    path = f"{namespace.path(plural, name, subresource)}?{urlencode({**named, **query})}"
    return namespace.server.call("PATCH", path, body, media, **{"User-Agent": "edits/1.0 (linux)"})


def labelled(labels: dict[str, str], **data: str) -> Obj:
    return config_map(meta={"labels": labels}, data=data)


def owners(obj: Obj) -> list[tuple[str, str, list[str]]]:
    """Return manager, operation and fields of each entry of managedFields, in its order."""
    return [
        (entry["manager"], entry["operation"], sorted(_paths(entry["fieldsV1"])))
        for entry in obj["metadata"].get("managedFields", ())
    ]


def _paths(fields: Obj, above: str = "") -> Iterator[str]:
    for name, inner in fields.items():
        path = f"{above}{name.removeprefix('f:')}"
        yield from _paths(inner, f"{path}/") if inner else [path]


def test_apply_creates_a_missing_object_and_leaves_an_equal_one(namespace: Namespace) -> None:
    created = apply(namespace, labelled({"l": "1"}, a="1"))
    assert (created.code, created.body["data"]) == (201, {"a": "1"})
    assert owners(created.body) == [("x", "Apply", ["data/a", "metadata/labels/l"])]
    again = apply(namespace, labelled({"l": "1"}, a="1"))
    assert (again.code, again.body) == (200, created.body)


def test_apply_accepts_yaml_without_a_name(namespace: Namespace) -> None:
    namespace.create(config_map(), "configmaps")
    body = b"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: 'yes'\n"
    assert apply(namespace, body).body["data"] == {"a": "yes"}


def test_field_that_a_manager_omits_is_removed_unless_another_has_it(namespace: Namespace) -> None:
    apply(namespace, labelled({"mine": "1", "ours": "1"}, a="1", b="1"))
    apply(namespace, labelled({"ours": "1"}, b="1"), "y")
    left = apply(namespace, config_map(data={"a": "1"})).body
    assert (left["data"], left["metadata"]["labels"]) == ({"a": "1", "b": "1"}, {"ours": "1"})
    assert owners(left) == [("x", "Apply", ["data/a"]), ("y", "Apply", ["data/b", "metadata/labels/ours"])]


def test_apply_of_another_value_conflicts_with_every_owner_of_the_field(namespace: Namespace) -> None:
    apply(namespace, config_map(data={"a": "1"}))
    answer = apply(namespace, config_map(data={"a": "2"}), "y")
    refused(answer, 409, "Conflict", 'Apply failed with 1 conflict: conflict with "x": .data.a')
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "x"', "field": ".data.a"}
    assert answer.body["details"] == {"causes": [cause]}
    apply(namespace, config_map(data={"a": "1", "b": "1"}), "y")
    assert apply(namespace, {"data": {"c": "1"}}, "", media=MERGE).code == 200
    answer = apply(namespace, config_map(data={"a": "2", "b": "2", "c": "2"}), "z")
    assert answer.message == (
        'Apply failed with 4 conflicts: conflicts with "edits" using v1:\n- .data.c\n'
        'conflicts with "x":\n- .data.a\nconflicts with "y":\n- .data.a\n- .data.b'
    )
    assert namespace.get("a", "configmaps")["data"] == {"a": "1", "b": "1", "c": "1"}


def test_forced_apply_takes_fields_over(namespace: Namespace) -> None:
    apply(namespace, config_map(data={"a": "1", "b": "1"}))
    dry = apply(namespace, config_map(data={"a": "2"}), "y", force="true", dryRun="All").body
    assert dry["data"] == {"a": "2", "b": "1"}
    assert namespace.get("a", "configmaps")["data"] == {"a": "1", "b": "1"}
    forced = apply(namespace, config_map(data={"a": "2"}), "y", force="true").body
    assert owners(forced) == [("x", "Apply", ["data/b"]), ("y", "Apply", ["data/a"])]
    assert apply(namespace, config_map(data={"b": "1"}), "x").body["data"] == {"a": "2", "b": "1"}


def test_write_without_apply_owns_the_fields_that_it_changes(namespace: Namespace) -> None:
    apply(namespace, config_map(data={"a": "1", "b": "1", "c": "1"}))
    changed = apply(namespace, {"data": {"a": "2", "c": None}}, "", media=MERGE).body
    assert owners(changed) == [("x", "Apply", ["data/b"]), ("edits", "Update", ["data/a"])]
    put = namespace.server.put(
        namespace.path("configmaps", "a") + "?fieldManager=puts", config_map(data={"b": "3"})
    ).body
    assert [owner[:2] for owner in owners(put)] == [("puts", "Update")]
    answer = apply(namespace, config_map(data={"b": "1"}))
    assert answer.message == 'Apply failed with 1 conflict: conflict with "puts" using v1: .data.b'


def test_client_may_edit_managed_fields(namespace: Namespace) -> None:
    """Tools such as Flux and kubectl move fields from one manager to another so."""
    entries = apply(namespace, config_map(data={"a": "1", "b": "1"})).body["metadata"]["managedFields"]
    moved = [{**entries[0], "manager": "y"}]
    path, change = namespace.path("configmaps", "a"), {"op": "replace", "path": "/metadata/managedFields"}
    edited = namespace.server.patch(path, [{**change, "value": moved}], JSON_PATCH).body
    assert owners(edited) == [("y", "Apply", ["data/a", "data/b"])]
    assert apply(namespace, config_map(data={"a": "1"}), "y").body["data"] == {"a": "1"}
    reset = namespace.server.patch(path, [{**change, "value": [{}]}], JSON_PATCH).body
    assert owners(reset) == []


def test_items_of_keyed_lists_have_separate_owners(namespace: Namespace) -> None:
    init = {"name": "i", "image": "x"}
    created = apply(namespace, pod(meta={"finalizers": ["a.b/c"]}, initContainers=[init]), plural="pods").body
    assert [each["name"] for each in created["spec"]["containers"]] == ["c"]
    more = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "finalizers": ["a.b/d"]}}
    assert apply(namespace, more, "y", plural="pods").body["metadata"]["finalizers"] == ["a.b/c", "a.b/d"]
    image = {"spec": {"containers": [{"name": "c", "image": "z"}]}}
    answer = apply(namespace, {**more, **image}, "y", plural="pods")
    assert answer.message == 'Apply failed with 1 conflict: conflict with "x": .spec.containers[name="c"].image'
    left = apply(namespace, pod(meta={"finalizers": ["a.b/e"]}, initContainers=[init]), plural="pods").body
    assert left["metadata"]["finalizers"] == ["a.b/d", "a.b/e"]


def test_list_of_a_custom_resource_is_one_field_by_default(namespace: Namespace) -> None:
    apply(namespace, sample(env=[{"name": "A"}], directory="d"), plural="samples")
    answer = apply(namespace, sample(env=[{"name": "B"}]), "y", plural="samples")
    assert answer.message == 'Apply failed with 1 conflict: conflict with "x": .spec.env'
    left = apply(namespace, sample(), plural="samples").body
    assert "directory" not in left["spec"]
    assert "env" not in left["spec"]
    assert (left["spec"]["mode"], left["metadata"]["generation"]) == ("default", 2)


def test_status_is_applied_at_its_own_path(namespace: Namespace) -> None:
    apply(namespace, {**sample(), "status": {"attempt": 3}}, plural="samples")
    assert "status" not in namespace.get("a")
    body = {**sample(task=9), "status": {"attempt": 1}}
    applied = apply(namespace, body, plural="samples", at="a/status").body
    assert (applied["status"], applied["spec"]["task"]) == ({"attempt": 1}, 1)
    assert apply(namespace, {**body, **NONE}, plural="samples", at="none/status").code == 404


def test_subresources_have_separate_owners(embedded_namespace: Namespace) -> None:
    """Kubernetes does so since 1.22; older servers take an applied status for the manager's whole object."""
    apply(embedded_namespace, sample(), plural="samples")
    ready = {"type": "Ready", "status": "True"}
    status = {**sample(), "status": {"conditions": [ready]}}
    applied = apply(embedded_namespace, status, plural="samples", at="a/status").body
    assert [entry.get("subresource") for entry in applied["metadata"]["managedFields"]] == [None, "status"]
    assert apply(embedded_namespace, sample(), plural="samples").body["status"]["conditions"] == [ready]


def test_fields_from_before_the_first_apply_belong_to_their_writers(embedded_namespace: Namespace) -> None:
    """The real server records each writer from the start; on both, a change of another's field is a conflict."""
    embedded_namespace.create(config_map(data={"a": "1"}), "configmaps")
    answer = apply(embedded_namespace, config_map(data={"a": "2"}))
    assert answer.message == 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a'


@pytest.mark.parametrize(
    ("body", "query", "code", "message"),
    [
        ({}, {"manager": ""}, 422, f"{OPTIONS}fieldManager: Required value: is required for apply patch"),
        ({}, {"manager": "x" * 129}, 422, f"{OPTIONS}fieldManager: Too long: must have at most 128 bytes"),
        (
            {},
            {"manager": "x\n"},
            422,
            f'{OPTIONS}fieldManager: Invalid value: "x\\n": invalid character U+000A (at position 1)',
        ),
        (
            {"data": {"a": "1"}},
            {"media": MERGE, "force": "true"},
            422,
            f"{OPTIONS}force: Forbidden: may not be specified for non-apply patch",
        ),
        ({"metadata": {"managedFields": []}}, {}, 400, "metadata.managedFields must be nil"),
        (
            {"apiVersion": "v2"},
            {},
            400,
            "Incorrect version specified in apply patch. Specified patch version: v2, expected: v1",
        ),
        ({"metadata": {"name": "b"}}, {}, 400, "the name of the object (b) does not match the name on the URL (a)"),
        (
            b"[1]",
            {},
            400,
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go "
            "value of type map[string]interface {}",
        ),
    ],
)
def test_invalid_apply_patch_is_rejected_with_its_problem(
    namespace: Namespace, body: Any, query: dict[str, str], code: int, message: str
) -> None:
    namespace.create(config_map(data={"a": "1"}), "configmaps")
    answer = apply(namespace, {**config_map(), **body} if isinstance(body, dict) else body, **query)
    assert (answer.code, answer.message) == (code, message)


def test_invalid_yaml_is_rejected(namespace: Namespace) -> None:
    answer = apply(namespace, b"{a: ")
    assert (answer.code, answer.message[:21]) == (400, "error decoding YAML: ")


def test_resource_version_in_an_applied_body_is_a_precondition(namespace: Namespace) -> None:
    apply(namespace, config_map(data={"a": "1"}))
    answer = apply(namespace, config_map(meta={"resourceVersion": "1"}, data={"a": "2"}))
    assert (answer.code, answer.reason) == (409, "Conflict")
    assert "the object has been modified" in answer.message


def test_random_applies_have_the_same_result_on_both_servers(embedded_server: Server, real_server: Server) -> None:
    rng, namespaces = random.Random(1), [new_namespace(embedded_server), new_namespace(real_server)]
    for _ in range(max(int(400 * SCALE), 1)):
        manager, force, body = rng.choice("xyz"), rng.choice(["true", "false"]), _config(rng)
        first, second = (_result(apply(namespace, body, manager, force=force)) for namespace in namespaces)
        assert first == second, (manager, force, body)


def _config(rng: random.Random) -> Obj:
    """Return a ConfigMap with a random selection of fields, each with one of two values."""

    def some(names: str) -> dict[str, str]:
        return {name: rng.choice("12") for name in names if rng.random() < 0.5}

    finalizers = [f"a.b/{name}" for name in some("fg")]
    return config_map(meta={"labels": some("lm"), "finalizers": finalizers}, data=some("abcd"))


def _result(answer: Answer) -> Any:
    if answer.code >= 400:
        return answer.code, answer.message, answer.causes()
    metadata, owned = answer.body["metadata"], sorted(owners(answer.body))
    return answer.code, answer.body.get("data"), metadata.get("labels"), metadata.get("finalizers"), owned
