"""The typed API of the `kubernetes` package against both servers.

Its models are declared as `Any`: the tests pass plain dicts, which the package accepts and its annotations do not.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, watch

from functions.cluster.errors import KindNotServed, NotFound, from_response
from tests.contract.apiserver.samples import Namespace, job, sample


@pytest.fixture
def api(namespace: Namespace) -> Iterator[client.ApiClient]:
    configuration = client.Configuration(host=namespace.server.url)
    if namespace.server.certificate:
        configuration.ssl_ca_cert = str(namespace.server.certificate)
        configuration.api_key["authorization"] = f"Bearer {namespace.server.token}"
    with client.ApiClient(configuration) as found:
        yield found


def test_python_client_handles_custom_objects(namespace: Namespace, api: client.ApiClient) -> None:
    where = ("contract.agents.platform", "v1", namespace.name, "samples")
    custom: Any = client.CustomObjectsApi(api)
    created = custom.create_namespaced_custom_object(*where, sample())
    custom.patch_namespaced_custom_object_status(*where, "a", {"status": {"phase": "Running"}})
    created["spec"]["task"] = 2
    with pytest.raises(client.ApiException) as stale:
        custom.replace_namespaced_custom_object(*where, "a", created)
    assert stale.value.status == 409
    assert [item["status"]["phase"] for item in custom.list_namespaced_custom_object(*where)["items"]] == ["Running"]
    custom.delete_namespaced_custom_object(*where, "a")
    assert namespace.gone("a")


def test_python_client_reads_typed_jobs(namespace: Namespace, api: client.ApiClient) -> None:
    batch: Any = client.BatchV1Api(api)
    batch.create_namespaced_job(namespace.name, job(parallelism=0))
    batch.patch_namespaced_job("a", namespace.name, {"spec": {"activeDeadlineSeconds": 600}})
    found = batch.read_namespaced_job("a", namespace.name)
    assert (found.spec.active_deadline_seconds, found.spec.parallelism) == (600, 0)
    batch.delete_namespaced_job("a", namespace.name, propagation_policy="Background")
    assert namespace.gone("a", "jobs")


def test_a_missing_object_and_a_missing_kind_are_distinguished(namespace: Namespace) -> None:
    """Both are 404; only the first means that the object does not exist."""
    objects = [namespace.path(plural, "a") for plural in ("samples", "jobs", "configmaps")]
    kinds = [namespace.path("things", "a"), "/apis/contract.agents.platform/v9/samples", "/apis/nowhere.test/v1/things"]
    for error, paths in ((NotFound, objects), (KindNotServed, kinds)):
        for path in paths:
            answer = namespace.server.get(path)
            assert type(from_response(answer.code, answer.text.encode(), None)) is error, path


def test_python_client_watches_config_maps(namespace: Namespace, api: client.ApiClient) -> None:
    core: Any = client.CoreV1Api(api)
    core.create_namespaced_config_map(namespace.name, {"metadata": {"name": "a"}, "data": {"x": "1"}})
    stream = watch.Watch().stream(core.list_namespaced_config_map, namespace.name, timeout_seconds=1)
    seen = [(event["type"], event["object"].metadata.name) for event in stream]
    assert ("ADDED", "a") in seen
