"""The typed API of the `kubernetes` package against both servers.

Its models are declared as `Any`: the tests pass plain dicts, which the package accepts and its annotations do not.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, watch

from functions.cluster.errors import KindNotServed, NotFound, from_response
from tests.contract.apiserver.samples import Place, job, sample


@pytest.fixture
def api(place: Place) -> Iterator[client.ApiClient]:
    configuration = client.Configuration(host=place.server.url)
    if place.server.certificate:
        configuration.ssl_ca_cert = str(place.server.certificate)
        configuration.api_key["authorization"] = f"Bearer {place.server.token}"
    with client.ApiClient(configuration) as found:
        yield found


def test_python_client_handles_custom_objects(place: Place, api: client.ApiClient) -> None:
    where = ("contract.agents.platform", "v1", place.namespace, "samples")
    custom: Any = client.CustomObjectsApi(api)
    created = custom.create_namespaced_custom_object(*where, sample())
    custom.patch_namespaced_custom_object_status(*where, "a", {"status": {"phase": "Running"}})
    created["spec"]["task"] = 2
    with pytest.raises(client.ApiException) as stale:
        custom.replace_namespaced_custom_object(*where, "a", created)
    assert stale.value.status == 409
    assert [item["status"]["phase"] for item in custom.list_namespaced_custom_object(*where)["items"]] == ["Running"]
    custom.delete_namespaced_custom_object(*where, "a")
    assert place.gone("a")


def test_python_client_reads_typed_jobs(place: Place, api: client.ApiClient) -> None:
    batch: Any = client.BatchV1Api(api)
    batch.create_namespaced_job(place.namespace, job(parallelism=0))
    batch.patch_namespaced_job("a", place.namespace, {"spec": {"activeDeadlineSeconds": 600}})
    found = batch.read_namespaced_job("a", place.namespace)
    assert (found.spec.active_deadline_seconds, found.spec.parallelism) == (600, 0)
    batch.delete_namespaced_job("a", place.namespace, propagation_policy="Background")
    assert place.gone("a", "jobs")


def test_a_missing_object_and_a_missing_kind_are_distinguished(place: Place) -> None:
    """Both are 404; only the first means that the object does not exist."""
    objects = [place.path(plural, "a") for plural in ("samples", "jobs", "configmaps")]
    kinds = [place.path("things", "a"), "/apis/contract.agents.platform/v9/samples", "/apis/nowhere.test/v1/things"]
    for error, paths in ((NotFound, objects), (KindNotServed, kinds)):
        for path in paths:
            answer = place.server.get(path)
            assert type(from_response(answer.code, answer.text.encode(), None)) is error, path


def test_python_client_watches_config_maps(place: Place, api: client.ApiClient) -> None:
    core: Any = client.CoreV1Api(api)
    core.create_namespaced_config_map(place.namespace, {"metadata": {"name": "a"}, "data": {"x": "1"}})
    stream = watch.Watch().stream(core.list_namespaced_config_map, place.namespace, timeout_seconds=1)
    seen = [(event["type"], event["object"].metadata.name) for event in stream]
    assert ("ADDED", "a") in seen
