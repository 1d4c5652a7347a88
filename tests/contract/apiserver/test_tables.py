"""Tables: the columns and cells for `kubectl get`."""

import json
from typing import Any

import pytest

from tests.contract.apiserver.client import TABLE, Obj
from tests.contract.apiserver.samples import Namespace, config_map, job, pod, sample


def table(namespace: Namespace, plural: str = "samples", query: str = "") -> Obj:
    answer = namespace.server.call("GET", namespace.path(plural) + query, Accept=f"{TABLE},application/json")
    assert answer.code == 200
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    return answer.body


def row(body: Obj) -> dict[str, Any]:
    (only,) = body["rows"]
    return dict(zip([column["name"] for column in body["columnDefinitions"]], only["cells"], strict=True))


def test_table_has_the_columns_of_the_crd(namespace: Namespace) -> None:
    created = namespace.create(sample())
    namespace.server.patch(
        namespace.path(name="a", subresource="status"),
        {
            "status": {
                "conditions": [
                    {"type": "Other", "status": "True"},
                    {"type": "Succeeded", "status": "True", "reason": "Done"},
                ]
            }
        },
    )
    body = table(namespace)
    described = [(c["name"], c["type"], c["priority"]) for c in body["columnDefinitions"]]
    assert described == [
        ("Name", "string", 0),
        ("Task", "integer", 0),
        ("Phase", "string", 0),
        ("Reason", "string", 0),
        ("Model", "string", 1),
        ("Age", "date", 0),
    ]
    cells = row(body)
    age = cells.pop("Age")
    assert cells == {"Name": "a", "Task": 1, "Phase": None, "Reason": "Done", "Model": "claude-x"}
    assert age.endswith("s")
    shown = body["rows"][0]["object"]
    assert (shown["kind"], shown["metadata"]["uid"]) == ("PartialObjectMetadata", created["metadata"]["uid"])
    assert "spec" not in shown


def test_row_includes_the_object_on_request(namespace: Namespace) -> None:
    namespace.create(sample())
    assert table(namespace, query="?includeObject=Object")["rows"][0]["object"]["spec"]["task"] == 1


def test_single_object_is_a_table_of_one_row(namespace: Namespace) -> None:
    created = namespace.create(sample())
    body = namespace.server.call("GET", namespace.path(name="a"), Accept=TABLE).body
    assert row(body)["Name"] == "a"
    assert body["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]


def test_pages_are_served_as_tables(namespace: Namespace) -> None:
    for name in "ab":
        namespace.create(sample(name))
    first = table(namespace, query="?limit=1")
    assert row(first)["Name"] == "a"
    assert row(table(namespace, query=f"?limit=1&continue={first['metadata']['continue']}"))["Name"] == "b"


def test_watch_is_served_as_tables(namespace: Namespace) -> None:
    namespace.create(sample())
    answer = namespace.server.call("GET", f"{namespace.path()}?watch=1&timeoutSeconds=1", Accept=TABLE)
    assert '"kind":"Table"' in answer.text.splitlines()[0]
    assert '"type":"ADDED"' in answer.text.splitlines()[0]


@pytest.mark.parametrize(
    ("plural", "body", "expected"),
    [
        ("configmaps", config_map(data={"a": "1"}, binaryData={"b": "YQ=="}), {"Name": "a", "Data": 2}),
        (
            "secrets",
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"a": "b"}},
            {"Name": "a", "Type": "Opaque", "Data": 1},
        ),
        ("pods", pod(), {"Name": "a", "Ready": "0/1", "Status": "Pending", "Restarts": 0}),
        ("jobs", job(), {"Name": "a", "Completions": "0/1"}),
        (
            "persistentvolumeclaims",
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "a"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            },
            {
                "Name": "a",
                "Status": "Pending",
                "Volume": "",
                "Capacity": "",
                "Access Modes": "",
                "VolumeMode": "Filesystem",
            },
        ),
    ],
)
def test_built_in_kinds_have_the_columns_of_the_real_server(
    namespace: Namespace, plural: str, body: Obj, expected: Obj
) -> None:
    namespace.create(body, plural)
    cells = row(table(namespace, plural, "?fieldSelector=metadata.name=a"))
    assert {name: str(cells[name]) for name in expected} == {name: str(value) for name, value in expected.items()}
    assert cells["Age"].endswith("s")


def test_status_column_of_a_pod_shows_its_containers_reason(namespace: Namespace) -> None:
    namespace.create(pod(), "pods")
    status = {
        "phase": "Running",
        "containerStatuses": [
            {
                "name": "c",
                "image": "x",
                "imageID": "",
                "ready": True,
                "restartCount": 2,
                "state": {"waiting": {"reason": "ErrImagePull"}},
            }
        ],
    }
    assert namespace.server.patch(namespace.path("pods", "a", "status"), {"status": status}).code == 200
    cells = row(table(namespace, "pods"))
    assert (cells["Ready"], cells["Status"], str(cells["Restarts"])) == ("0/1", "ErrImagePull", "2")


def test_event_is_shown_with_object_and_message(namespace: Namespace) -> None:
    about = {"kind": "Pod", "name": "x", "namespace": namespace.name}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "a"},
        "involvedObject": about,
        "type": "Warning",
    }
    namespace.create({**event, "reason": "R", "message": "m\n", "lastTimestamp": "2026-01-01T00:00:00Z"}, "events")
    cells = row(table(namespace, "events", "?fieldSelector=metadata.name=a"))
    expected = {"Type": "Warning", "Reason": "R", "Object": "pod/x", "Message": "m"}
    assert {name: cells[name] for name in expected} == expected


def test_ready_column_of_a_pod_counts_ready_containers(namespace: Namespace) -> None:
    namespace.create(pod(), "pods")
    running = {"name": "c", "image": "x", "imageID": "", "restartCount": 0, "state": {"running": {}}}
    for ready, shown in ((False, "0/1"), (True, "1/1")):
        status = {"phase": "Running", "containerStatuses": [{**running, "ready": ready}]}
        namespace.server.patch(namespace.path("pods", "a", "status"), {"status": status})
        assert (row(table(namespace, "pods"))["Ready"], row(table(namespace, "pods"))["Status"]) == (shown, "Running")


def test_bookmark_in_a_watch_of_tables_has_no_rows(embedded_namespace: Namespace) -> None:
    since = embedded_namespace.server.get(embedded_namespace.path()).body["metadata"]["resourceVersion"]
    embedded_namespace.create(config_map(), "configmaps")
    query = f"?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion={since}"
    (line,) = embedded_namespace.server.call("GET", embedded_namespace.path() + query, Accept=TABLE).text.splitlines()
    event = json.loads(line)
    assert (event["type"], event["object"]["kind"], event["object"]["rows"]) == ("BOOKMARK", "Table", [])
    assert int(event["object"]["metadata"]["resourceVersion"]) > int(since)
