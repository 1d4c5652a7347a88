"""Lists: selectors, all namespaces, and pages of one consistent state."""

import json
import urllib.request
from typing import Any

import pytest

from tests.contract.apiserver.client import Obj, Server
from tests.contract.apiserver.conftest import new_namespace
from tests.contract.apiserver.samples import PATHS, Namespace, job, pod, refused, sample

LABELLED = {"a": {"app": "x", "tier": "1"}, "b": {"app": "y", "tier": "2"}, "c": {"app": "x"}, "d": {}}


@pytest.fixture
def four(namespace: Namespace) -> Namespace:
    for name, labels in LABELLED.items():
        namespace.create(sample(name, meta={"labels": labels}))
    return namespace


def names(namespace: Namespace, **query: Any) -> list[str]:
    answer = namespace.server.get(namespace.path(), **query)
    assert answer.code == 200, answer.text
    return [item["metadata"]["name"] for item in answer.body["items"]]


def test_list_is_sorted_and_has_a_version(four: Namespace) -> None:
    listed = four.server.get(four.path()).body
    assert (listed["kind"], listed["apiVersion"]) == ("SampleList", "contract.agents.platform/v1")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b", "c", "d"]
    assert listed["items"][0] == four.get("a")
    assert int(listed["metadata"]["resourceVersion"]) >= int(four.get("d")["metadata"]["resourceVersion"])


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=x", "ac"),
        ("app==x", "ac"),
        ("app!=x", "bd"),
        ("app in (x, y)", "abc"),
        ("app in (x),tier=1", "a"),
        ("app notin (x)", "bd"),
        ("tier", "ab"),
        ("!tier", "cd"),
        ("app,!tier", "c"),
        ("app=", ""),
        ("", "abcd"),
    ],
)
def test_label_selectors(four: Namespace, selector: str, expected: str) -> None:
    assert "".join(names(four, labelSelector=selector)) == expected


@pytest.mark.parametrize(
    ("selector", "expected"), [("metadata.name=b", "b"), ("metadata.name!=b", "acd"), ("metadata.namespace=zz", "")]
)
def test_field_selectors(four: Namespace, selector: str, expected: str) -> None:
    assert "".join(names(four, fieldSelector=selector)) == expected


def test_pods_are_selected_by_phase_and_node(namespace: Namespace) -> None:
    namespace.create(pod("a", nodeName="n1"), "pods")
    namespace.create(pod("b", nodeName="n2"), "pods")
    namespace.server.patch(namespace.path("pods", "b", "status"), {"status": {"phase": "Running"}})

    def found(selector: str) -> list[str]:
        listed = namespace.server.get(namespace.path("pods"), fieldSelector=selector).body
        return [item["metadata"]["name"] for item in listed["items"]]

    assert found("status.phase=Running") == ["b"]
    assert found("status.phase!=Running") == ["a"]
    assert found("spec.nodeName=n1") == ["a"]


def test_jobs_are_selected_by_their_successful_pods(namespace: Namespace) -> None:
    """A new Job has no successful pod; later counts depend on the Job controller."""
    namespace.create(job(parallelism=0), "jobs")
    for selector, expected in (("status.successful=0", ["a"]), ("status.successful!=0", [])):
        listed = namespace.server.get(namespace.path("jobs"), fieldSelector=selector).body["items"]
        assert [item["metadata"]["name"] for item in listed] == expected


def test_events_are_selected_by_their_object(namespace: Namespace) -> None:
    for name in ("x", "y"):
        about = {"kind": "Pod", "name": name, "namespace": namespace.name, "uid": f"uid-{name}"}
        event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": f"e-{name}"}, "involvedObject": about}
        namespace.create({**event, "reason": "R", "message": "m", "type": "Normal"}, "events")
    for selector in ("involvedObject.name=x", "involvedObject.uid=uid-x,involvedObject.kind=Pod", "type=Normal"):
        listed = namespace.server.get(namespace.path("events"), fieldSelector=selector).body["items"]
        assert "e-x" in [item["metadata"]["name"] for item in listed]
    assert namespace.server.get(namespace.path("events"), fieldSelector="reason=Other").body["items"] == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"labelSelector": "a==="}, "unable to parse requirement: found '=', expected: identifier"),
        ({"labelSelector": "a in (b"}, "unable to parse requirement: found '', expected: ',' or ')'"),
        ({"labelSelector": "a in"}, "unable to parse requirement: found '' expected: '('"),
        ({"labelSelector": "a=b!"}, "found '!', expected: ',' or 'end of string'"),
        ({"fieldSelector": "spec.task=1"}, "field label not supported: spec.task"),
        ({"fieldSelector": "odd"}, "invalid selector: 'odd'; can't understand 'odd'"),
        ({"limit": "x"}, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ],
)
def test_invalid_query_is_rejected(namespace: Namespace, query: Obj, message: str) -> None:
    refused(namespace.server.get(namespace.path(), **query), 400, "BadRequest", message)


def test_list_of_all_namespaces(namespace: Namespace) -> None:
    other = new_namespace(namespace.server)
    for each in (namespace, other):
        each.create(sample("everywhere"))
    query = {"fieldSelector": "metadata.name=everywhere"}
    listed = namespace.server.get(f"{PATHS['samples']}/samples", **query).body["items"]
    assert {item["metadata"]["namespace"] for item in listed} >= {namespace.name, other.name}


def test_pages_show_the_state_of_the_first_page(four: Namespace) -> None:
    first = four.server.get(four.path(), limit=2).body
    assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b"]
    four.server.delete(four.path(name="c"))
    four.server.patch(four.path(name="d"), {"spec": {"task": 9}})
    four.create(sample("e"))
    second = four.server.get(four.path(), limit=2, **{"continue": first["metadata"]["continue"]}).body
    assert [(item["metadata"]["name"], item["spec"]["task"]) for item in second["items"]] == [("c", 1), ("d", 1)]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert not second["metadata"].get("continue")
    assert first["metadata"]["remainingItemCount"] == 2


def test_pages_of_a_selected_list_continue(four: Namespace) -> None:
    first = four.server.get(four.path(), limit=1, labelSelector="app=x").body
    rest = four.server.get(four.path(), labelSelector="app=x", **{"continue": first["metadata"]["continue"]}).body
    assert [item["metadata"]["name"] for item in first["items"] + rest["items"]] == ["a", "c"]


def test_an_invalid_continue_token_is_refused(namespace: Namespace) -> None:
    answer = namespace.server.get(namespace.path(), limit=1, **{"continue": "odd"})
    assert (answer.code, answer.reason) == (400, "BadRequest")
    assert answer.message.startswith("invalid continue token")


def test_continue_token_older_than_the_history_is_expired(forgetful: Namespace) -> None:
    for name in "abc":
        forgetful.create(sample(name))
    token = forgetful.server.get(forgetful.path(), limit=1).body["metadata"]["continue"]
    for task in range(2, 9):
        forgetful.server.patch(forgetful.path(name="a"), {"spec": {"task": task}})
    answer = forgetful.server.get(forgetful.path(), limit=1, **{"continue": token})
    assert (answer.code, answer.reason) == (410, "Expired")
    assert "You must start a new list without the continue parameter" in answer.message


def test_continue_token_is_expired_on_the_real_server_after_compaction(real_server: Server) -> None:
    if not real_server.etcd:
        pytest.skip("a cluster that is given is not compacted: it needs a server of its own (KUBEBUILDER_ASSETS)")
    namespace = new_namespace(real_server)
    for name in "abc":
        namespace.create(sample(name))
    token = real_server.get(namespace.path(), limit=1).body["metadata"]["continue"]
    compacted(real_server, namespace.create(sample("d"))["metadata"]["resourceVersion"])
    answer = real_server.get(namespace.path(), limit=1, **{"continue": token})
    assert (answer.code, answer.reason) == (410, "Expired")


def compacted(server: Server, revision: str) -> None:
    """Compact etcd up to the revision (JSON gateway: /v3/kv/compaction)."""
    body = json.dumps({"revision": revision, "physical": True}).encode()
    with urllib.request.urlopen(f"{server.etcd}/v3/kv/compaction", body, timeout=30) as answer:
        assert answer.status == 200


def test_read_at_a_future_version_times_out(namespace: Namespace) -> None:
    namespace.create(sample())
    answer = namespace.server.get(f"{namespace.path(name='a')}?resourceVersion=999999999")
    assert (answer.code, answer.reason) == (504, "Timeout")
    assert answer.message.startswith("Timeout: Too large resource version: 999999999, current: ")
