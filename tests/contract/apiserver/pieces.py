"""Parts of generated requests: objects that every server accepts, and valid and invalid changes of them."""

from typing import Any

from tests.contract.apiserver.client import Obj
from tests.support.builders import CODE_SPEC, DOCS_SPEC

NAMES = ("a", "b", "c")
BUILT_IN = ("jobs", "configmaps", "pods")
CUSTOM = ("coderuns", "docsruns")
FINALIZERS = ["agents.platform/cleanup"]
NO_UID = "00000000-0000-4000-8000-000000000000"


def sample(plural: str, name: str) -> Obj:
    """Return an object that every server accepts."""
    pod = {"containers": [{"name": "c", "image": "x"}], "restartPolicy": "Never"}
    specs: dict[str, tuple[str, str, Obj]] = {
        "coderuns": ("agents.platform/v1", "CodeRun", {"spec": dict(CODE_SPEC)}),
        "docsruns": ("agents.platform/v1", "DocsRun", {"spec": dict(DOCS_SPEC)}),
        "jobs": (
            "batch/v1",
            "Job",
            {"metadata": {"labels": {"of": "job"}}, "spec": {"parallelism": 0, "template": {"spec": pod}}},
        ),
        "configmaps": ("v1", "ConfigMap", {"data": {"k": "v"}}),
        "pods": ("v1", "Pod", {"spec": pod}),
    }
    version, kind, rest = specs[plural]
    metadata = {"name": name, **rest.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def merged(present: Any, patch: Any) -> Any:
    """Return a copy of `present` with `patch` merged into it; None removes a field."""
    if not isinstance(patch, dict) or not isinstance(present, dict):
        return patch
    changed = {name: merged(present.get(name), value) for name, value in patch.items() if value is not None}
    return {name: value for name, value in present.items() if name not in patch} | changed


METADATA: list[Obj] = [
    {},
    {},
    {"labels": {"app": "x"}},
    {"labels": {"app": "y", "tier": "z"}},
    {"annotations": {"note": "n"}},
    {"finalizers": FINALIZERS},
    {"finalizers": [*FINALIZERS, "other.example/x"]},
    {"labels": {"app": "not valid!"}},
    {"labels": {"bad key!": "x"}},
    {"annotations": {"bad key!": "x"}},
    {"finalizers": ["nodomain!"]},
    {"labels": {"app": 1}},
    {"labels": ["x"]},
    {"labels": None},
    {"annotations": "x"},
    {"finalizers": "x"},
    {"generation": 7, "creationTimestamp": "2001-01-01T00:00:00Z", "uid": NO_UID},
    {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "b", "uid": "$uid:configmaps/b"}]},
    {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "b", "uid": ""}]},
    {"ownerReferences": [{"kind": "ConfigMap", "name": "", "uid": "x"}]},
    {"namespace": "elsewhere"},
    {"unknown": 1},
]
RUN_SPECS: list[Obj] = [
    {"env": [{"name": "A", "value": "b"}]},
    {"env": {"A": "b"}},
    {"env": {"A": 1}},
    {"maxRetries": 2},
    {"maxRetries": -1},
    {"maxRetries": "x"},
    {"maxRetries": 1.5},
    {"maxRetries": 3.0},
    {"cancel": True},
    {"cancel": "yes"},
    {"cancel": None},
    {"model": "gpt-1"},
    {"model": ""},
    {"model": None},
    {"repositoryUrl": "ftp://x"},
    {"repositoryUrl": None},
    {"githubUser": "octocat", "githubApp": "5DLabs-Rex"},
    {"githubUser": None, "githubApp": None},
    {"workingDirectory": "../up"},
    {"workingDirectory": "docs"},
    {"taskId": 0},
    {"taskId": 9},
    {"contextVersion": 2},
    {"toolConfig": "odd"},
    {"promptMode": "replace", "promptModification": "x"},
    {"service": "Not_A_Label"},
    {"unknownField": {"a": 1}},
    {"priority": 5},
    {"timeoutSeconds": 60},
    {"sourceBranch": "a..b"},
]
JOB_SPECS: list[Obj] = [
    {"activeDeadlineSeconds": 60},
    {"activeDeadlineSeconds": 1},
    {"activeDeadlineSeconds": -1},
    {"activeDeadlineSeconds": "x"},
    {"backoffLimit": 0},
    {"backoffLimit": -2},
    {"completions": 2},
    {"parallelism": 0},
    {"parallelism": -1},
    {"ttlSecondsAfterFinished": 100},
    {"template": {"metadata": {"labels": {"a": "b"}}}},
    {"template": {"spec": {"restartPolicy": "Always"}}},
    {"template": {"spec": {"containers": []}}},
    {"template": {"spec": {"containers": [{"name": "c"}]}}},
    {"template": {"spec": {"containers": [{"name": "c", "image": "y:1"}]}}},
    {"template": "x"},
    {"selector": {"matchLabels": {"a": "b"}}},
]
POD_SPECS: list[Obj] = [
    {"activeDeadlineSeconds": 60},
    {"activeDeadlineSeconds": "x"},
    {"restartPolicy": "Always"},
    {"terminationGracePeriodSeconds": 5},
    {"containers": []},
    {"containers": [{"name": "c", "image": "y:1"}]},
    {"containers": [{"name": "c", "image": "x", "env": [{"name": "A", "value": "b"}]}]},
    {"containers": "x"},
    {"containers": [{"image": "x"}]},
    {"serviceAccountName": "s"},
]
DATA: list[Obj] = [
    {"data": {"k": "w"}},
    {"data": {"l": "x"}},
    {"data": {"bad key!": "x"}},
    {"data": {"k": 1}},
    {"data": "x"},
    {"data": None},
    {"immutable": True},
    {"immutable": False},
    {"immutable": "x"},
    {"binaryData": {"b": "AAEC"}},
    {"other": 1},
]
RUN_STATUSES: list[Obj] = [
    {"phase": "Running", "attempt": 1},
    {"phase": "Odd"},
    {"message": "m"},
    {"message": 5},
    {"attempt": "x"},
    {"unknown": 1},
    {"conditions": [{"type": "Succeeded", "status": "True"}]},
    {"conditions": "x"},
    {"startedAt": "2026-01-02T03:04:05Z"},
    {"startedAt": "not a time"},
]
JOB_STATUSES: list[Obj] = [
    {"active": 1},
    {"failed": 3},
    {"failed": "x"},
    {"conditions": [{"type": "Complete", "status": "True"}]},
    {"conditions": "x"},
    {"startTime": "2026-01-02T03:04:05Z"},
]
POD_STATUSES: list[Obj] = [
    {"phase": "Running"},
    {"phase": "Failed", "reason": "Evicted", "message": "m"},
    {"phase": 1},
    {"conditions": [{"type": "Ready", "status": "True"}]},
    {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]},
    {"containerStatuses": "x"},
]
STATUSES = {"coderuns": RUN_STATUSES, "docsruns": RUN_STATUSES, "jobs": JOB_STATUSES, "pods": POD_STATUSES}
SPECS = {"coderuns": RUN_SPECS, "docsruns": RUN_SPECS, "jobs": JOB_SPECS, "pods": POD_SPECS}
LABEL_SELECTORS = (
    "app=x", "app!=x", "app", "!app", "app in (x,y)", "app notin (x),tier", "app=x,tier=z", "app==y",
    "app=", "a b", "app in x", "=x", "app in (x", ",", "app=x,", "bad key!=x",
)  # fmt: skip
FIELD_SELECTORS = (
    "metadata.name=a",
    "metadata.name!=a",
    "metadata.namespace=x",
    "spec.other=1",
    "odd",
    "status.phase=Running",
)
