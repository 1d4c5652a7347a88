"""Checks of the installation in the cluster: definitions, permissions, running pods, capacity."""

from collections.abc import Iterator, Mapping
from typing import Any

from functions.clients.doctor.finding import Examined, Finding, ok, problem, unknown
from functions.cluster.errors import ClusterError, KindNotServed, NotFound
from functions.cluster.kinds import POD, RUNS
from functions.cluster.transport import Request
from functions.manifests.crds import crd
from functions.runs import api_group
from functions.runs.model.specs import SPECS

APPLY = "kubectl apply --kustomize crds"
RIGHTS = (
    ("agents.platform", "coderuns", "create"),
    ("agents.platform", "docsruns", "patch"),
    ("agents.platform", "coderuns/status", "update"),
    ("batch", "jobs", "create"),
    ("", "pods", "list"),
    ("", "configmaps", "create"),
    ("", "persistentvolumeclaims", "create"),
    ("", "events", "list"),
)
"""One right of each rule of infra/kubernetes/base/rbac.yaml: group, resource, verb."""
BINDING = "orchestrator-functions"
STUCK = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CrashLoopBackOff", "CreateContainerConfigError"}
)
"""Reasons of a waiting container that time alone does not fix."""


def definitions(examined: Examined) -> Iterator[Finding]:
    """Check that each kind of run is served, with every field of this version."""
    for name, kind in RUNS.items():
        try:
            examined.read(kind.path(examined.namespace), limit="1")
            missing = _missing_fields(examined, name)
        except KindNotServed:
            yield problem("definitions", f"{name} is not served as {api_group.API_VERSION}: {APPLY}")
        except ClusterError as error:
            yield unknown("definitions", error)
        else:
            if missing:
                yield problem("definitions", f"{name} lacks {', '.join(missing)}: it is of another version; {APPLY}")
            else:
                yield ok("definitions", name)


def _missing_fields(examined: Examined, name: str) -> list[str]:
    """Return the fields of spec and status that the served schema does not have; empty if it may not be read."""
    ours = crd(SPECS[name])
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{ours['metadata']['name']}"
    try:
        theirs = examined.read(path)
    except ClusterError:
        return []
    needed, there = _properties(ours), _properties(theirs)
    return [f"{part}.{field}" for part in ("spec", "status") for field in sorted(needed[part] - there[part])]


def _properties(definition: Mapping[str, Any]) -> dict[str, set[str]]:
    (version,) = [each for each in definition["spec"]["versions"] if each["name"] == api_group.VERSION]
    schema = version["schema"]["openAPIV3Schema"]["properties"]
    return {part: set(schema.get(part, {}).get("properties", {})) for part in ("spec", "status")}


def rights(examined: Examined) -> Iterator[Finding]:
    """Check that the functions' identity is bound, and may do what it has to."""
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{examined.namespace}/rolebindings/{BINDING}"
    try:
        subjects = examined.read(path).get("subjects") or []
        denied = [_denied(examined, subject) for subject in subjects]
    except NotFound:
        how = f"apply infra/kubernetes to namespace {examined.namespace}"
        yield problem("rights", f"RoleBinding {BINDING} does not exist: {how}")
        return
    except ClusterError as error:
        yield unknown("rights", error)
        return
    if not subjects:
        yield problem("rights", f"RoleBinding {BINDING} has no subject: add the functions' identity")
    for subject, lacking in zip(subjects, denied, strict=True):
        if lacking:
            how = "apply the Role of infra/kubernetes/base/rbac.yaml"
            yield problem("rights", f"{subject['name']} may not {', '.join(lacking)} in {examined.namespace}: {how}")
        else:
            yield ok("rights", f"{subject['name']} has those of {BINDING}")


def _denied(examined: Examined, subject: Mapping[str, str]) -> list[str]:
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    found = []
    for group, resource, verb in RIGHTS:
        plural, _, part = resource.partition("/")
        what = {"group": group, "resource": plural, "subresource": part, "verb": verb, "namespace": examined.namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": _user(subject), "resourceAttributes": what},
        }
        if not examined.transport.send(Request("POST", path, {}, body=review))["status"].get("allowed"):
            found.append(f"{verb} {resource}")
    return found


def _user(subject: Mapping[str, str]) -> str:
    """Return the user name of a subject (Kubernetes: Authenticating, Service account tokens)."""
    if subject["kind"] == "ServiceAccount":
        return f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
    return subject["name"]


def pods(examined: Examined) -> Iterator[Finding]:
    """Check that no pod is stuck: a missing image, secret or setting."""
    try:
        items = list(examined.cluster.list(POD, examined.namespace))
    except ClusterError as error:
        yield unknown("pods", error)
        return
    stuck = [(item, each) for item in items for each in _waiting(item)]
    for item, each in stuck:
        why = each["state"]["waiting"]
        detail = (
            why.get("message") or f"kubectl --namespace {examined.namespace} describe pod {item['metadata']['name']}"
        )
        yield problem("pods", f"{item['metadata']['name']} runs {each['image']}: {why['reason']}: {detail}")
    if not stuck:
        yield ok("pods", f"{len(items)} pods, none stuck")


def _waiting(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    status = item.get("status") or {}
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return [each for each in statuses if (each.get("state", {}).get("waiting") or {}).get("reason") in STUCK]


def quota(examined: Examined) -> Iterator[Finding]:
    """Check that quotas have room for one more pod."""
    try:
        quotas = examined.read(f"/api/v1/namespaces/{examined.namespace}/resourcequotas")["items"]
    except ClusterError as error:
        yield unknown("quota", error)
        return
    for each in quotas:
        status = each.get("status") or {}
        hard, used = (status.get(part, {}).get("pods") for part in ("hard", "used"))
        if hard is not None and int(used or 0) >= int(hard):
            how = "runs wait as Queued; raise it, or end runs"
            yield problem("quota", f"ResourceQuota {each['metadata']['name']}: {used} of {hard} pods are used; {how}")
