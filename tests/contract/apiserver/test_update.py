"""PUT and the status subresource: versions, generations, and the fields that each endpoint changes."""

import copy

import pytest

from tests.contract.apiserver.client import MERGE, Obj
from tests.contract.apiserver.samples import Namespace, config_map, refused, sample

STALE = "the object has been modified; please apply your changes to the latest version and try again"


def version(obj: Obj) -> int:
    return int(obj["metadata"]["resourceVersion"])


def changed(obj: Obj, **spec: object) -> Obj:
    return {**obj, "spec": {**obj["spec"], **spec}}


def test_change_of_the_spec_raises_version_and_generation(namespace: Namespace) -> None:
    created = namespace.create(sample())
    answer = namespace.server.put(namespace.path(name="a"), changed(created, task=5))
    assert answer.code == 200
    assert version(answer.body) > version(created)
    assert (answer.body["metadata"]["generation"], answer.body["spec"]["task"]) == (2, 5)


def test_change_of_metadata_keeps_the_generation(namespace: Namespace) -> None:
    created = namespace.create(sample())
    created["metadata"] |= {"labels": {"a": "b"}, "generation": 9, "creationTimestamp": "2001-01-01T00:00:00Z"}
    updated = namespace.server.put(namespace.path(name="a"), created).body["metadata"]
    assert (updated["generation"], updated["labels"]) == (1, {"a": "b"})
    assert updated["creationTimestamp"] > "2025"


def test_write_of_an_equal_object_changes_nothing(namespace: Namespace) -> None:
    created = namespace.create(sample())
    assert version(namespace.server.put(namespace.path(name="a"), created).body) == version(created)
    assert version(namespace.server.patch(namespace.path(name="a"), {"spec": {"task": 1}}).body) == version(created)
    events = namespace.server.watch(namespace.path(), resourceVersion=version(created))
    assert [event["type"] for event in events if event["type"] != "BOOKMARK"] == []


def test_update_of_a_stale_version_conflicts(namespace: Namespace) -> None:
    created = namespace.create(sample())
    namespace.server.put(namespace.path(name="a"), changed(created, task=2))
    answer = namespace.server.put(namespace.path(name="a"), changed(created, task=3))
    message = f'Operation cannot be fulfilled on samples.contract.agents.platform "a": {STALE}'
    refused(answer, 409, "Conflict", message)
    assert answer.body["details"] == {"name": "a", "group": "contract.agents.platform", "kind": "samples"}
    assert namespace.get("a")["spec"]["task"] == 2


def test_update_of_a_custom_resource_needs_a_version(namespace: Namespace) -> None:
    namespace.create(sample())
    answer = namespace.server.put(namespace.path(name="a"), sample(task=2))
    refused(
        answer,
        422,
        "Invalid",
        'samples.contract.agents.platform "a" is invalid: metadata.resourceVersion: Invalid value: 0x0: '
        "must be specified for an update",
    )


def test_update_of_a_config_map_needs_no_version(namespace: Namespace) -> None:
    namespace.create(config_map(data={"a": "1"}), "configmaps")
    answer = namespace.server.put(namespace.path("configmaps", "a"), config_map(data={"a": "2"}))
    assert (answer.code, answer.body["data"]) == (200, {"a": "2"})


def test_update_with_another_uid_conflicts(namespace: Namespace) -> None:
    created = namespace.create(sample())
    created["metadata"]["uid"] = "other"
    answer = namespace.server.put(namespace.path(name="a"), created)
    assert (answer.code, answer.reason) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: other, UID in object meta: " in answer.message


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"name": "b"}, "the name of the object (b) does not match the name on the URL (a)"),
        (
            {"namespace": "b"},
            "the namespace of the object (b) does not match the namespace on the request ({namespace})",
        ),
    ],
)
def test_update_with_another_name_or_namespace_is_rejected(namespace: Namespace, meta: Obj, message: str) -> None:
    created = namespace.create(sample())
    created["metadata"] |= meta
    answer = namespace.server.put(namespace.path(name="a"), created)
    refused(answer, 400, "BadRequest", message.format(namespace=namespace.name))


def test_update_of_a_missing_object_is_not_found(namespace: Namespace) -> None:
    body = sample(meta={"resourceVersion": "1"})
    refused(
        namespace.server.put(namespace.path(name="a"), body),
        404,
        "NotFound",
        'samples.contract.agents.platform "a" not found',
    )


def test_invalid_update_does_not_change_the_object(namespace: Namespace) -> None:
    created = namespace.create(sample())
    answer = namespace.server.put(namespace.path(name="a"), changed(created, task="x"))
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert namespace.get("a") == created


def test_update_of_the_main_endpoint_keeps_the_status(namespace: Namespace) -> None:
    created = namespace.create(sample())
    running = namespace.server.put(
        namespace.path(name="a", subresource="status"), {**created, "status": {"phase": "Running"}}
    )
    again = {**running.body, "status": {"phase": "Pending", "attempt": 5}}
    kept = namespace.server.put(namespace.path(name="a"), again).body
    assert kept["status"] == {"phase": "Running", "attempt": 0}
    assert version(kept) == version(running.body)


def test_update_of_the_status_keeps_the_other_fields(namespace: Namespace) -> None:
    created = namespace.create(sample(meta={"labels": {"a": "b"}}))
    body = changed(copy.deepcopy(created), task=9)
    body["metadata"] |= {"labels": {"z": "z"}, "annotations": {"z": "z"}, "finalizers": ["a.b/c"]}
    updated = namespace.server.put(
        namespace.path(name="a", subresource="status"), {**body, "status": {"phase": "Running"}}
    )
    assert updated.code == 200
    assert updated.body["status"] == {"phase": "Running", "attempt": 0}
    assert updated.body["spec"] == created["spec"]
    moving = ("resourceVersion", "managedFields")
    kept = [{k: v for k, v in each["metadata"].items() if k not in moving} for each in (created, updated.body)]
    assert kept[0] == kept[1]
    assert namespace.server.get(namespace.path(name="a", subresource="status")).body == updated.body


def test_status_update_without_a_spec_is_accepted(namespace: Namespace) -> None:
    created = namespace.create(sample())
    body = {**created, "status": {"phase": "Running"}}
    del body["spec"]
    updated = namespace.server.put(namespace.path(name="a", subresource="status"), body)
    assert (updated.code, updated.body["spec"]) == (200, created["spec"])


def test_status_update_of_a_stale_version_conflicts(namespace: Namespace) -> None:
    created = namespace.create(sample())
    path = namespace.path(name="a", subresource="status")
    namespace.server.patch(path, {"status": {"phase": "Running"}})
    answer = namespace.server.put(path, {**created, "status": {"phase": "Pending"}})
    assert (answer.code, answer.reason) == (409, "Conflict")
    assert namespace.get("a")["status"]["phase"] == "Running"


def test_status_is_validated_and_gets_defaults(namespace: Namespace) -> None:
    namespace.create(sample())
    path = namespace.path(name="a", subresource="status")
    assert namespace.server.patch(path, {"status": {"phase": "Odd", "unknown": 1}}).causes() == {
        ("status.phase", 'Unsupported value: "Odd": supported values: "Pending", "Running"')
    }
    assert namespace.server.patch(path, {"status": {"conditions": [{"type": "A"}]}}).causes() == {
        ("status.conditions.status", "Required value")
    }
    assert namespace.server.patch(path, {"status": {"unknown": 1}}).body["status"] == {"attempt": 0}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_status_endpoint_rejects_other_methods(namespace: Namespace, method: str) -> None:
    created = namespace.create(sample())
    answer = namespace.server.call(method, namespace.path(name="a", subresource="status"), created)
    assert (answer.code, answer.reason) == (405, "MethodNotAllowed")


def test_kind_without_status_has_no_status_endpoint(namespace: Namespace) -> None:
    namespace.create(config_map(), "configmaps")
    assert namespace.server.get(namespace.path("configmaps", "a", "status")).code == 404
    assert namespace.server.call("PATCH", namespace.path("configmaps", "a", "status"), {}, MERGE).code == 404


def test_update_cannot_set_the_deletion_timestamp(namespace: Namespace) -> None:
    created = namespace.create(sample())
    created["metadata"]["deletionTimestamp"] = "2001-01-01T00:00:00Z"
    answer = namespace.server.put(namespace.path(name="a"), created)
    field = "metadata.deletionTimestamp"
    assert answer.code == 422
    assert answer.causes() == {(field, "Invalid value: 2001-01-01 00:00:00 +0000 UTC: field is immutable")}
