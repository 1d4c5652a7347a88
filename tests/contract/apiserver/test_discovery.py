"""Discovery, unknown paths, unsupported methods, and media types that are not served."""

import pytest

from tests.contract.apiserver.client import Obj, Server
from tests.contract.apiserver.samples import Namespace, sample

SUBRESOURCE = {"singularName": "", "namespaced": True, "kind": "Sample"}


def resources(server: Server, path: str) -> dict[str, Obj]:
    """Return the resources at a path, without the verb that the embedded server does not support."""
    listed = server.get(path).body
    assert listed["kind"] == "APIResourceList"
    return {
        each["name"]: {
            **each,
            "verbs": sorted({*each["verbs"]} - {"deletecollection"}),
        }
        for each in ({k: v for k, v in r.items() if k != "storageVersionHash"} for r in listed["resources"])
    }


def test_group_lists_its_resources(server: Server) -> None:
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    assert resources(server, "/apis/contract.agents.platform/v1") == {
        "samples": {
            "name": "samples",
            "singularName": "sample",
            "namespaced": True,
            "kind": "Sample",
            "verbs": verbs,
            "shortNames": ["smp"],
            "categories": ["contract"],
        },
        "samples/status": {"name": "samples/status", **SUBRESOURCE, "verbs": ["get", "patch", "update"]},
    }


def test_built_in_resources_are_listed(server: Server) -> None:
    core = resources(server, "/api/v1")
    served = {"configmaps", "events", "namespaces", "persistentvolumeclaims", "pods", "pods/log", "pods/status"}
    assert served | {"secrets"} <= core.keys()
    assert core["configmaps"]["shortNames"] == ["cm"]
    assert core["namespaces"]["namespaced"] is False
    assert {"jobs", "jobs/status"} <= resources(server, "/apis/batch/v1").keys()


def test_groups_are_listed(server: Server) -> None:
    listed = server.get("/apis").body
    assert listed["kind"] == "APIGroupList"
    version = {"groupVersion": "contract.agents.platform/v1", "version": "v1"}
    group = {"name": "contract.agents.platform", "versions": [version], "preferredVersion": version}
    assert group in listed["groups"]
    assert server.get("/apis/contract.agents.platform").body == {"kind": "APIGroup", "apiVersion": "v1", **group}
    assert server.get("/api").body["versions"] == ["v1"]
    assert server.get("/version").body["gitVersion"].startswith("v1.")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_health_endpoints_answer_ok(server: Server, path: str) -> None:
    answer = server.get(path)
    assert (answer.code, answer.text) == (200, "ok")


def test_served_crds_are_established(server: Server) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    definition = server.get(f"{path}/samples.contract.agents.platform").body
    assert definition["spec"]["names"]["plural"] == "samples"
    conditions = {each["type"]: each["status"] for each in definition["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    names = [item["metadata"]["name"] for item in server.get(path).body["items"]]
    assert "samples.contract.agents.platform" in names


def test_crds_cannot_be_changed_in_the_embedded_server(embedded_server: Server) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert embedded_server.post(path, {}).code == 405
    assert embedded_server.delete(f"{path}/samples.contract.agents.platform").code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/apis/nope/v1",
        "/apis/contract.agents.platform/v9/samples",
        "/apis/contract.agents.platform/v1/nopes",
        "/api/v1/nopes",
        "/api/v1/namespaces/default/nopes",
        "/api/v1/namespaces/default/configmaps/a/nope",
        "/apis/contract.agents.platform/v1/namespaces/default/samples/a/nope",
        "/api/v1/namespaces/default/configmaps/a/b/c/d",
    ],
)
def test_unknown_path_is_not_found(server: Server, path: str) -> None:
    answer = server.get(path)
    assert answer.code == 404
    if server.embedded:
        assert (answer.body["kind"], answer.reason) == ("Status", "NotFound")
        assert answer.message == "the server could not find the requested resource"


def test_unsupported_method_is_rejected(embedded_namespace: Namespace) -> None:
    server, path = embedded_namespace.server, embedded_namespace.path()
    for method, where in (
        ("PUT", path),
        ("PATCH", path),
        ("POST", f"{path}/a"),
        ("ODD", path),
        ("DELETE", "/version"),
    ):
        answer = server.call(method, where, sample())
        assert answer.code in (404, 405)
        assert answer.body["kind"] == "Status"


def test_media_type_that_is_not_served_is_rejected(namespace: Namespace) -> None:
    namespace.create(sample())
    answer = namespace.server.call("GET", namespace.path(name="a"), Accept="text/html")
    assert (answer.code, answer.reason) == (406, "NotAcceptable")
    assert answer.message.startswith("only the following media types are accepted: application/json")
    either = "application/vnd.kubernetes.odd,application/json"
    assert namespace.server.call("GET", namespace.path(name="a"), Accept=either).code == 200


def test_openapi_declares_field_validation_by_the_server(embedded_server: Server) -> None:
    index = embedded_server.get("/openapi/v3").body["paths"]
    address = index["apis/contract.agents.platform/v1"]["serverRelativeURL"]
    document = embedded_server.get(address).body
    operations = document["paths"]["/apis/contract.agents.platform/v1/namespaces/{namespace}/samples/{name}"]
    names = [parameter["name"] for parameter in operations["patch"]["parameters"]]
    assert "fieldValidation" in names
    assert operations["patch"]["x-kubernetes-group-version-kind"]["kind"] == "Sample"
