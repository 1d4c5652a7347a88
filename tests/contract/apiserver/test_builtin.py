"""Built-in kinds: defaults and validation of Jobs, Pods, ConfigMaps, Secrets, volume claims, Events, namespaces."""

from typing import Any

import pytest

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Namespace, config_map, job, pod, refused

IMMUTABLE = "Forbidden: field is immutable when `immutable` is set"
NOT_NEGATIVE = "Invalid value: -1: must be greater than or equal to 0"


def secret(**fields: Any) -> Obj:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, **fields}


def claim(**spec: Any) -> Obj:
    body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"}, "spec": body}


def test_job_gets_defaults_and_labels(namespace: Namespace) -> None:
    created = namespace.create(job(activeDeadlineSeconds=600), "jobs")
    own = {"controller-uid": created["metadata"]["uid"], "job-name": "a"}
    spec = created["spec"]
    assert (spec["parallelism"], spec["completions"], spec["backoffLimit"]) == (1, 1, 6)
    assert spec["selector"] == {"matchLabels": {"controller-uid": created["metadata"]["uid"]}}
    assert spec["template"]["metadata"]["labels"] == own
    assert created["metadata"]["labels"] == own
    assert created["status"] == {}
    inner = spec["template"]["spec"]
    assert inner["terminationGracePeriodSeconds"] == 30
    assert inner["containers"][0]["terminationMessagePath"] == "/dev/termination-log"
    assert inner["containers"][0]["imagePullPolicy"] == "Always"


def test_job_with_parallelism_alone_gets_no_completions(namespace: Namespace) -> None:
    assert "completions" not in namespace.create(job(parallelism=0), "jobs")["spec"]


@pytest.mark.parametrize(
    ("spec", "causes"),
    [
        (
            {"template": {"spec": {}}},
            {
                ("spec.template.spec.containers", "Required value"),
                ("spec.template.spec.restartPolicy", 'Required value: valid values: "OnFailure", "Never"'),
            },
        ),
        (
            {"template": {"spec": {"containers": [{"name": "c"}], "restartPolicy": "Never"}}},
            {("spec.template.spec.containers.image", "Required value")},
        ),
        (
            {"backoffLimit": -1, "parallelism": -1, "activeDeadlineSeconds": -1},
            {(f"spec.{field}", NOT_NEGATIVE) for field in ("backoffLimit", "parallelism", "activeDeadlineSeconds")},
        ),
    ],
)
def test_invalid_job_is_rejected(namespace: Namespace, spec: Obj, causes: set[tuple[str, str]]) -> None:
    answer = namespace.server.post(namespace.path("jobs"), job(**spec))
    assert (answer.code, answer.reason, answer.causes()) == (422, "Invalid", causes)


@pytest.mark.parametrize(
    ("plural", "body"),
    [
        ("jobs", job(backoffLimit="x")),
        ("jobs", {**job(), "spec": "text"}),
        ("jobs", job(template=[])),
        ("pods", pod(containers="x")),
        ("pods", pod(containers=["x"])),
        ("configmaps", config_map(data={"a": 3})),
        ("configmaps", config_map(data="x")),
        ("secrets", secret(data={"a": "%%"})),
        ("secrets", secret(stringData={"a": 1})),
        ("persistentvolumeclaims", claim(accessModes="x")),
        ("jobs", {**pod(), "metadata": {"name": "a"}}),
        ("jobs", {**job(), "apiVersion": "batch/v9"}),
    ],
)
def test_value_of_the_wrong_type_is_rejected(namespace: Namespace, plural: str, body: Obj) -> None:
    answer = namespace.server.post(namespace.path(plural), body)
    assert (answer.code, answer.reason) == (400, "BadRequest")
    assert " cannot be handled as a " in answer.message
    assert namespace.gone("a", plural)


def test_job_can_be_stopped_but_its_template_is_immutable(namespace: Namespace) -> None:
    namespace.create(job(parallelism=0), "jobs")
    path = namespace.path("jobs", "a")
    assert namespace.server.patch(path, {"spec": {"activeDeadlineSeconds": 1}}).code == 200
    for change in ({"completions": 4}, {"template": {"metadata": {"labels": {"a": "b"}}}}):
        answer = namespace.server.patch(path, {"spec": change})
        assert (answer.code, answer.reason) == (422, "Invalid")
        assert {field for field, _ in answer.causes()} == {f"spec.{next(iter(change))}"}
        assert answer.message.endswith(": field is immutable")


def test_status_of_a_job_is_written_only_at_its_own_path(namespace: Namespace) -> None:
    namespace.create(job(parallelism=0), "jobs")
    patch = {"status": {"failed": 3}, "spec": {"parallelism": 5}, "metadata": {"labels": {"via": "status"}}}
    answer = namespace.server.patch(namespace.path("jobs", "a", "status"), patch)
    assert (answer.body["status"]["failed"], answer.body["spec"]["parallelism"]) == (3, 0)
    assert answer.body["metadata"]["labels"]["via"] == "status"
    assert (
        namespace.server.patch(namespace.path("jobs", "a"), {"status": {"failed": 9}}).body["status"].get("failed") != 9
    )


def test_pod_gets_defaults(namespace: Namespace) -> None:
    created = namespace.create(pod(), "pods")
    assert created["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert created["spec"]["restartPolicy"] == "Always"


def test_spec_of_a_pod_is_immutable(namespace: Namespace) -> None:
    namespace.create(pod(), "pods")
    answer = namespace.server.patch(namespace.path("pods", "a"), {"spec": {"restartPolicy": "Never"}})
    assert (answer.code, answer.reason) == (422, "Invalid")
    ((field, message),) = answer.causes()
    assert field == "spec"
    assert message.startswith("Forbidden: pod updates may not change fields other than `spec.containers[*].image`")


def test_immutable_config_map_keeps_its_data(namespace: Namespace) -> None:
    namespace.create(config_map(immutable=True, data={"a": "b"}), "configmaps")
    path = namespace.path("configmaps", "a")
    for field, patch in (
        ("data", {"data": {"a": "c"}}),
        ("binaryData", {"binaryData": {"b": "YQ=="}}),
        ("immutable", {"immutable": None}),
    ):
        answer = namespace.server.patch(path, patch)
        refused(answer, 422, "Invalid", f'ConfigMap "a" is invalid: {field}: {IMMUTABLE}')
    assert namespace.server.patch(path, {"metadata": {"labels": {"a": "b"}}}).code == 200
    assert namespace.server.delete(path).code == 200


def test_config_map_with_an_invalid_key_or_too_much_data_is_rejected(namespace: Namespace) -> None:
    answer = namespace.server.post(namespace.path("configmaps"), config_map(data={"a b": "c"}))
    assert [field for field, _ in answer.causes()] == ["data[a b]"]
    assert "a valid config key must consist of alphanumeric characters, '-', '_' or '.'" in answer.message
    answer = namespace.server.post(namespace.path("configmaps"), config_map(data={"a": "x" * (1024 * 1024 + 1)}))
    assert answer.causes() == {("[]", "Too long: must have at most 1048576 bytes")}
    assert namespace.server.post(namespace.path("configmaps"), config_map(data={"a": "x" * 1024 * 1024})).code == 201


def test_string_data_of_a_secret_is_encoded(namespace: Namespace) -> None:
    created = namespace.create(secret(stringData={"a": "b"}, data={"z": "YQ=="}), "secrets")
    assert (created["data"], created["type"]) == ({"a": "Yg==", "z": "YQ=="}, "Opaque")
    assert "stringData" not in created
    patched = namespace.server.patch(namespace.path("secrets", "a"), {"stringData": {"a": "q"}})
    assert patched.body["data"] == {"a": "cQ==", "z": "YQ=="}
    answer = namespace.server.patch(namespace.path("secrets", "a"), {"type": "x"})
    refused(answer, 422, "Invalid", 'Secret "a" is invalid: type: Invalid value: "x": field is immutable')


def test_volume_claim_has_defaults_and_is_immutable(namespace: Namespace) -> None:
    created = namespace.create(claim(), "persistentvolumeclaims")
    assert (created["status"], created["spec"]["volumeMode"]) == ({"phase": "Pending"}, "Filesystem")
    answer = namespace.server.patch(
        namespace.path("persistentvolumeclaims", "a"), {"spec": {"accessModes": ["ReadWriteMany"]}}
    )
    ((field, message),) = answer.causes()
    assert field == "spec"
    assert message.startswith("Forbidden: spec is immutable after creation except resources.requests for bound claims")
    empty = {**claim(), "metadata": {"name": "b"}, "spec": {}}
    assert namespace.server.post(namespace.path("persistentvolumeclaims"), empty).causes() == {
        ("spec.accessModes", "Required value: at least 1 access mode is required"),
        ("spec.resources[storage]", "Required value"),
    }


def test_event_must_be_in_the_namespace_of_its_object(namespace: Namespace) -> None:
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "a"}, "reason": "R", "type": "Normal"}
    wrong = {**event, "involvedObject": {"kind": "Pod", "name": "x", "namespace": "elsewhere"}}
    refused(
        namespace.server.post(namespace.path("events"), wrong),
        422,
        "Invalid",
        'Event "a" is invalid: involvedObject.namespace: Invalid value: "elsewhere": does not match event.namespace',
    )
    right = {**event, "involvedObject": {"kind": "Pod", "name": "x", "namespace": namespace.name}}
    assert namespace.create(right, "events")["reason"] == "R"


def test_namespace_has_phase_and_finalizer(namespace: Namespace) -> None:
    got = namespace.server.get(f"/api/v1/namespaces/{namespace.name}").body
    assert (got["spec"], got["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})
    bad = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a.b"}}
    answer = namespace.server.post("/api/v1/namespaces", bad)
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert namespace.server.delete("/api/v1/namespaces/default").code == 403
