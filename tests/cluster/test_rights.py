"""What the functions' own user may do on a real API server: what infra/kubernetes says, and nothing else."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cluster.transport import Request, Transport
from tests.cluster.conftest import connect
from tests.support.control_plane import USERS, ControlPlane

RBAC = Path(__file__).resolve().parents[2] / "infra/kubernetes/base/rbac.yaml"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RESOURCES = (
    *(("agents.platform", name) for name in ("coderuns", "docsruns", "coderuns/status", "docsruns/status")),
    *(("batch", name) for name in ("jobs", "jobs/status", "cronjobs")),
    *(("", name) for name in ("pods", "pods/exec", "pods/log", "pods/attach", "secrets", "configmaps", "events")),
    *(("", name) for name in ("persistentvolumeclaims", "namespaces", "serviceaccounts", "serviceaccounts/token")),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
)
Right = tuple[str, str, str]


def declared(role: str) -> set[Right]:
    """(verb, group, resource) of a role in the manifest."""
    roles = [each for each in yaml.safe_load_all(RBAC.read_text()) if each["kind"] == "Role"]
    rules = next(each["rules"] for each in roles if each["metadata"]["name"] == role)
    return {
        right
        for rule in rules
        for right in itertools.product(rule["verbs"], rule["apiGroups"], rule["resources"])
    }  # fmt: skip


def allowed(user: Transport, right: Right) -> bool:
    verb, group, resource = right
    name, _, subresource = resource.partition("/")
    asked = {"namespace": "orchestrator", "verb": verb, "group": group, "resource": name, "subresource": subresource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer: Any = user.send(Request("POST", path, {}, review))
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize("user", USERS)
def test_a_user_may_do_what_is_declared_and_nothing_else(plane: ControlPlane, user: str) -> None:
    wanted = {right for right in declared(user) if not right[2].endswith("/finalizers")}
    asked = {(verb, *resource) for verb in VERBS for resource in RESOURCES}
    assert wanted <= asked, "every declared right is asked for"
    found = connect(plane, user)
    assert {right for right in asked if allowed(found, right)} == wanted


def test_no_right_is_a_wildcard_and_none_reaches_secrets() -> None:
    for user in USERS:
        for verb, group, resource in declared(user):
            assert "*" not in (verb, group, resource)
            assert resource not in ("secrets", "pods/exec")
