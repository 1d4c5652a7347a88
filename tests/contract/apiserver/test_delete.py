"""DELETE: preconditions, finalizers, grace periods."""

from typing import Any

import pytest

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Namespace, config_map, job, pod, refused, sample
from tests.support.waiting import until

HELD = {"finalizers": ["a.b/hold"]}


def test_object_without_finalizers_is_deleted_at_once(namespace: Namespace) -> None:
    created = namespace.create(sample())
    answer = namespace.server.delete(namespace.path(name="a"))
    assert (answer.code, answer.body["status"]) == (200, "Success")
    assert answer.body["details"] == {
        "name": "a",
        "group": "contract.agents.platform",
        "kind": "samples",
        "uid": created["metadata"]["uid"],
    }
    assert namespace.gone("a")


def test_deletion_of_a_missing_object_is_not_found(namespace: Namespace) -> None:
    answer = namespace.server.delete(namespace.path(name="a"))
    refused(answer, 404, "NotFound", 'samples.contract.agents.platform "a" not found')


@pytest.mark.parametrize(
    ("precondition", "word", "happened"),
    [("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified")],
)
def test_deletion_with_a_failed_precondition_conflicts(
    namespace: Namespace, precondition: str, word: str, happened: str
) -> None:
    present = namespace.create(sample())["metadata"][precondition]
    answer = namespace.server.delete(namespace.path(name="a"), {"preconditions": {precondition: "0"}})
    refused(
        answer,
        409,
        "Conflict",
        f'Operation cannot be fulfilled on Sample.contract.agents.platform "a": the {word} in the precondition (0) '
        f"does not match the {word} in record ({present}). The object might have been {happened}",
    )
    assert namespace.server.delete(namespace.path(name="a"), {"preconditions": {precondition: present}}).code == 200
    assert namespace.gone("a")


def test_finalizer_keeps_a_deleted_object_until_it_is_removed(namespace: Namespace) -> None:
    created = namespace.create(sample(meta=HELD))
    answer = namespace.server.delete(namespace.path(name="a"))
    assert answer.code == 200
    marked = answer.body["metadata"]
    assert marked["deletionTimestamp"] >= created["metadata"]["creationTimestamp"]
    assert (marked["deletionGracePeriodSeconds"], marked["generation"]) == (0, 2)
    assert namespace.server.delete(namespace.path(name="a")).body == answer.body
    assert namespace.server.patch(namespace.path(name="a"), {"spec": {"task": 2}}).code == 200
    assert namespace.server.patch(namespace.path(name="a"), {"metadata": {"finalizers": None}}).code == 200
    assert namespace.gone("a")


def test_finalizer_cannot_be_added_to_a_deleted_object(namespace: Namespace) -> None:
    namespace.create(sample(meta=HELD))
    namespace.server.delete(namespace.path(name="a"))
    answer = namespace.server.patch(namespace.path(name="a"), {"metadata": {"finalizers": ["a.b/hold", "c.d/more"]}})
    refused(
        answer,
        422,
        "Invalid",
        'Sample.contract.agents.platform "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be '
        'added if the object is being deleted, found new finalizers []string{"c.d/more"}',
    )


def test_deletion_of_an_invalid_object_completes(namespace: Namespace) -> None:
    """A patch that removes the finalizer of an invalid object must also make the object valid."""
    namespace.create(sample(meta=HELD))
    namespace.server.delete(namespace.path(name="a"))
    refused_patch = {"metadata": {"finalizers": None}, "spec": {"task": 0}}
    assert namespace.server.patch(namespace.path(name="a"), refused_patch).code == 422
    assert (
        namespace.server.patch(namespace.path(name="a"), {"metadata": {"finalizers": None}, "spec": {"task": 1}}).code
        == 200
    )
    assert namespace.gone("a")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"propagationPolicy": "Odd"},
            'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Odd": supported values: '
            '"Foreground", "Background", "Orphan", "nil"',
        ),
    ],
)
def test_invalid_delete_options_are_rejected(namespace: Namespace, body: Obj, message: str) -> None:
    namespace.create(sample())
    refused(namespace.server.delete(namespace.path(name="a"), body), 422, "Invalid", message)
    assert not namespace.gone("a")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        {"kind": "Other"},
        {"gracePeriodSeconds": "x"},
        {"preconditions": "x"},
        {"preconditions": {"uid": 1}},
    ],
)
def test_body_that_is_not_delete_options_is_rejected(namespace: Namespace, body: Any) -> None:
    namespace.create(sample())
    answer = namespace.server.delete(namespace.path(name="a"), body)
    assert answer.code in ((400,) if namespace.server.embedded else (400, 500))  # old servers answer 500
    assert not namespace.gone("a")


def test_a_dry_run_deletes_nothing(namespace: Namespace) -> None:
    namespace.create(sample())
    assert namespace.server.delete(f"{namespace.path(name='a')}?dryRun=All").code == 200
    assert not namespace.gone("a")


def test_deleted_pod_on_a_node_has_a_grace_period(namespace: Namespace) -> None:
    namespace.create(pod(nodeName="n"), "pods")
    answer = namespace.server.delete(namespace.path("pods", "a"))
    assert (answer.code, answer.body["kind"]) == (200, "Pod")
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 30
    assert not namespace.gone("a", "pods")
    assert namespace.server.delete(namespace.path("pods", "a"), {"gracePeriodSeconds": 0}).body["kind"] == "Pod"
    assert namespace.gone("a", "pods")


def test_pod_without_a_node_or_after_its_end_is_deleted_at_once(namespace: Namespace) -> None:
    namespace.create(pod("waiting"), "pods")
    namespace.create(pod("over", nodeName="n"), "pods")
    namespace.server.patch(namespace.path("pods", "over", "status"), {"status": {"phase": "Succeeded"}})
    for name in ("waiting", "over"):
        assert namespace.server.delete(namespace.path("pods", name)).code == 200
        assert namespace.gone(name, "pods")


def test_deletion_of_a_job_orphans_its_pods_by_default(namespace: Namespace) -> None:
    namespace.create(job(parallelism=0), "jobs")
    answer = namespace.server.delete(namespace.path("jobs", "a"))
    assert (answer.body["kind"], answer.body["metadata"]["finalizers"]) == ("Job", ["orphan"])
    until(lambda: namespace.gone("a", "jobs"))
    namespace.create(job("b", parallelism=0), "jobs")
    answer = namespace.server.delete(namespace.path("jobs", "b"), {"propagationPolicy": "Background"})
    assert (answer.body["kind"], answer.body["details"]["kind"]) == ("Status", "jobs")
    assert namespace.gone("b", "jobs")


def test_deletion_of_a_namespace_deletes_its_content(namespace: Namespace) -> None:
    namespace.create(config_map("held", meta=HELD), "configmaps")
    namespace.create(sample())
    path = f"/api/v1/namespaces/{namespace.name}"
    assert namespace.server.delete(path).body["status"]["phase"] == "Terminating"
    until(lambda: namespace.gone("a"))
    answer = namespace.server.post(namespace.path("configmaps"), config_map("late"))
    assert (answer.code, answer.reason) == (403, "Forbidden")
    assert answer.message.endswith("because it is being terminated")
    namespace.server.patch(namespace.path("configmaps", "held"), {"metadata": {"finalizers": None}})
    until(lambda: namespace.server.get(path).code == 404)
