"""DELETE: preconditions, finalizers, grace periods."""

from typing import Any

import pytest

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Place, config_map, eventually, job, pod, refused, sample

HELD = {"finalizers": ["a.b/hold"]}


def test_object_without_finalizers_is_deleted_at_once(place: Place) -> None:
    created = place.create(sample())
    answer = place.server.delete(place.path(name="a"))
    assert (answer.code, answer.body["status"]) == (200, "Success")
    assert answer.body["details"] == {
        "name": "a",
        "group": "contract.agents.platform",
        "kind": "samples",
        "uid": created["metadata"]["uid"],
    }
    assert place.gone("a")


def test_deletion_of_a_missing_object_is_not_found(place: Place) -> None:
    answer = place.server.delete(place.path(name="a"))
    refused(answer, 404, "NotFound", 'samples.contract.agents.platform "a" not found')


@pytest.mark.parametrize(
    ("precondition", "word", "happened"),
    [("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified")],
)
def test_deletion_with_a_failed_precondition_conflicts(
    place: Place, precondition: str, word: str, happened: str
) -> None:
    present = place.create(sample())["metadata"][precondition]
    answer = place.server.delete(place.path(name="a"), {"preconditions": {precondition: "0"}})
    refused(
        answer,
        409,
        "Conflict",
        f'Operation cannot be fulfilled on Sample.contract.agents.platform "a": the {word} in the precondition (0) '
        f"does not match the {word} in record ({present}). The object might have been {happened}",
    )
    assert place.server.delete(place.path(name="a"), {"preconditions": {precondition: present}}).code == 200
    assert place.gone("a")


def test_finalizer_keeps_a_deleted_object_until_it_is_removed(place: Place) -> None:
    created = place.create(sample(meta=HELD))
    answer = place.server.delete(place.path(name="a"))
    assert answer.code == 200
    marked = answer.body["metadata"]
    assert marked["deletionTimestamp"] >= created["metadata"]["creationTimestamp"]
    assert (marked["deletionGracePeriodSeconds"], marked["generation"]) == (0, 2)
    assert place.server.delete(place.path(name="a")).body == answer.body
    assert place.server.patch(place.path(name="a"), {"spec": {"task": 2}}).code == 200
    assert place.server.patch(place.path(name="a"), {"metadata": {"finalizers": None}}).code == 200
    assert place.gone("a")


def test_finalizer_cannot_be_added_to_a_deleted_object(place: Place) -> None:
    place.create(sample(meta=HELD))
    place.server.delete(place.path(name="a"))
    answer = place.server.patch(place.path(name="a"), {"metadata": {"finalizers": ["a.b/hold", "c.d/more"]}})
    refused(
        answer,
        422,
        "Invalid",
        'Sample.contract.agents.platform "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be '
        'added if the object is being deleted, found new finalizers []string{"c.d/more"}',
    )


def test_deletion_of_an_invalid_object_completes(place: Place) -> None:
    """A patch that removes the finalizer of an invalid object must also make the object valid."""
    place.create(sample(meta=HELD))
    place.server.delete(place.path(name="a"))
    refused_patch = {"metadata": {"finalizers": None}, "spec": {"task": 0}}
    assert place.server.patch(place.path(name="a"), refused_patch).code == 422
    assert place.server.patch(place.path(name="a"), {"metadata": {"finalizers": None}, "spec": {"task": 1}}).code == 200
    assert place.gone("a")


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
def test_invalid_delete_options_are_rejected(place: Place, body: Obj, message: str) -> None:
    place.create(sample())
    refused(place.server.delete(place.path(name="a"), body), 422, "Invalid", message)
    assert not place.gone("a")


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
def test_body_that_is_not_delete_options_is_rejected(place: Place, body: Any) -> None:
    place.create(sample())
    answer = place.server.delete(place.path(name="a"), body)
    assert answer.code in ((400,) if place.server.embedded else (400, 500))  # old servers answer 500
    assert not place.gone("a")


def test_a_dry_run_deletes_nothing(place: Place) -> None:
    place.create(sample())
    assert place.server.delete(f"{place.path(name='a')}?dryRun=All").code == 200
    assert not place.gone("a")


def test_deleted_pod_on_a_node_has_a_grace_period(place: Place) -> None:
    place.create(pod(nodeName="n"), "pods")
    answer = place.server.delete(place.path("pods", "a"))
    assert (answer.code, answer.body["kind"]) == (200, "Pod")
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 30
    assert not place.gone("a", "pods")
    assert place.server.delete(place.path("pods", "a"), {"gracePeriodSeconds": 0}).body["kind"] == "Pod"
    assert place.gone("a", "pods")


def test_pod_without_a_node_or_after_its_end_is_deleted_at_once(place: Place) -> None:
    place.create(pod("waiting"), "pods")
    place.create(pod("over", nodeName="n"), "pods")
    place.server.patch(place.path("pods", "over", "status"), {"status": {"phase": "Succeeded"}})
    for name in ("waiting", "over"):
        assert place.server.delete(place.path("pods", name)).code == 200
        assert place.gone(name, "pods")


def test_deletion_of_a_job_orphans_its_pods_by_default(place: Place) -> None:
    place.create(job(parallelism=0), "jobs")
    answer = place.server.delete(place.path("jobs", "a"))
    assert (answer.body["kind"], answer.body["metadata"]["finalizers"]) == ("Job", ["orphan"])
    eventually(lambda: place.gone("a", "jobs"))
    place.create(job("b", parallelism=0), "jobs")
    answer = place.server.delete(place.path("jobs", "b"), {"propagationPolicy": "Background"})
    assert (answer.body["kind"], answer.body["details"]["kind"]) == ("Status", "jobs")
    assert place.gone("b", "jobs")


def test_deletion_of_a_namespace_deletes_its_content(place: Place) -> None:
    place.create(config_map("held", meta=HELD), "configmaps")
    place.create(sample())
    path = f"/api/v1/namespaces/{place.namespace}"
    assert place.server.delete(path).body["status"]["phase"] == "Terminating"
    eventually(lambda: place.gone("a"))
    answer = place.server.post(place.path("configmaps"), config_map("late"))
    assert (answer.code, answer.reason) == (403, "Forbidden")
    assert answer.message.endswith("because it is being terminated")
    place.server.patch(place.path("configmaps", "held"), {"metadata": {"finalizers": None}})
    eventually(lambda: place.server.get(path).code == 404)
