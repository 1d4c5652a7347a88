"""Invalid requests for a pod's log; both servers reject them before they ask a kubelet."""

import pytest

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Namespace, pod


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ({"tailLines": -1}, ("tailLines", "Invalid value: -1: must be greater than or equal to 0")),
        ({"limitBytes": 0}, ("limitBytes", "Invalid value: 0: must be greater than 0")),
        ({"sinceSeconds": 0}, ("sinceSeconds", "Invalid value: 0: must be greater than 0")),
        (
            {"sinceSeconds": 5, "sinceTime": "2026-01-02T03:04:05Z"},
            ("[]", "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"),
        ),
    ],
)
def test_invalid_log_options_are_rejected(namespace: Namespace, query: Obj, cause: tuple[str, str]) -> None:
    namespace.create(pod(), "pods")
    answer = namespace.server.get(namespace.path("pods", "a", "log"), **query)
    assert (answer.code, answer.reason, answer.body["details"]["kind"]) == (422, "Invalid", "PodLogOptions")
    assert answer.causes() == {cause}


def test_log_of_a_pod_with_several_containers_needs_a_container_name(namespace: Namespace) -> None:
    containers = [{"name": name, "image": "x"} for name in ("agent", "broker")]
    namespace.create(pod(containers=containers), "pods")
    answer = namespace.server.get(namespace.path("pods", "a", "log"))
    assert (answer.code, answer.reason) == (400, "BadRequest")
    assert answer.message == "a container name must be specified for pod a, choose one of: [agent broker]"


def test_log_of_an_unknown_container_is_rejected(namespace: Namespace) -> None:
    namespace.create(pod(), "pods")
    answer = namespace.server.get(namespace.path("pods", "a", "log"), container="other")
    assert (answer.code, answer.reason) == (400, "BadRequest")
    assert answer.message == "container other is not valid for pod a"
