"""The users of functions and bridge have exactly the rights that infra/kubernetes declares, on a real API server.

Each verb on each critical resource is reviewed, the requests in NEVER are sent, and a life of runs uses every right.
"""

import itertools
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cluster.errors import Forbidden
from functions.cluster.kinds import CODE_RUN, JOB, RUNS, Kind
from functions.cluster.transport import Request, Transport
from functions.events.event import RETENTION_DUE
from functions.handlers import job_finished, reconcile, sweep
from functions.runs.model.run import parse
from functions.serving.http import Request as Asked
from functions.serving.http import answer
from functions.submission.submit import submit
from tests.cluster.conftest import FUNCTIONS_USER, HOME, Base, connect
from tests.cluster.driving import deliver, node, own, started, swept
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.control_plane import USERS, ControlPlane
from tests.support.run_steps import DONE, LOST, event, job_name, now, submitted

RBAC = Path(__file__).resolve().parents[2] / "infra/kubernetes/base/rbac.yaml"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RESOURCES = (
    *(("agents.platform", name) for name in ("coderuns", "docsruns", "coderuns/status", "docsruns/status")),
    *(("batch", name) for name in ("jobs", "jobs/status", "cronjobs")),
    *(("", name) for name in ("pods", "pods/exec", "pods/log", "pods/attach", "secrets", "configmaps", "events")),
    *(("", name) for name in ("persistentvolumeclaims", "namespaces", "serviceaccounts", "serviceaccounts/token")),
    *(("", name) for name in ("pods/portforward", "pods/eviction", "pods/ephemeralcontainers", "services", "nodes")),
    *(("apps", name) for name in ("deployments", "daemonsets", "statefulsets")),
    ("networking.k8s.io", "networkpolicies"),
    ("coordination.k8s.io", "leases"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
)
Right = tuple[str, str, str]


@pytest.fixture(autouse=True)
def home(base: Base) -> str:
    """Apply the Roles under test to the namespace."""
    return base(HOME)


def declared(role: str) -> set[Right]:
    """Return (verb, group, resource) for each right of a Role in the manifest that is not limited to a name."""
    roles = [each for each in yaml.safe_load_all(RBAC.read_text()) if each["kind"] == "Role"]
    rules = next(each["rules"] for each in roles if each["metadata"]["name"] == role)
    return {
        right
        for rule in rules
        if "resourceNames" not in rule
        for right in itertools.product(rule["verbs"], rule["apiGroups"], rule["resources"])
    }  # fmt: skip


def allowed(user: Transport, right: Right, namespace: str = HOME) -> bool:
    verb, group, resource = right
    name, _, subresource = resource.partition("/")
    asked = {"namespace": namespace, "verb": verb, "group": group, "resource": name, "subresource": subresource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer: Any = user.send(Request("POST", path, {}, review))
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize("user", USERS)
def test_user_has_exactly_the_declared_rights(plane: ControlPlane, user: str) -> None:
    wanted = {right for right in declared(user) if not right[2].endswith("/finalizers")}
    asked = {(verb, *resource) for verb in VERBS for resource in RESOURCES}
    assert wanted <= asked, "every declared right is reviewed"
    found = connect(plane, user)
    assert {right for right in asked if allowed(found, right)} == wanted


def test_no_declared_right_is_a_wildcard_or_for_secrets() -> None:
    for user in USERS:
        for verb, group, resource in declared(user):
            assert "*" not in (verb, group, resource)
            assert resource not in ("secrets", "pods/exec")


NEVER = [
    ("GET", "secrets"),
    ("GET", "secrets/github-ssh-octocat"),
    ("POST", "pods/any/exec"),
    ("POST", "pods"),
    ("DELETE", "pods/any"),
    ("GET", "pods/any/log"),
    ("DELETE", "jobs"),
    ("DELETE", "coderuns"),
    ("PATCH", "configmaps/any"),
    ("PATCH", "pods/any"),
    ("PUT", "coderuns/any"),
    ("PATCH", "coderuns/any/status"),
    ("PUT", "configmaps/any"),
    ("DELETE", "events/any"),
    ("GET", "roles"),
]
GROUPS = {"jobs": JOB, "coderuns": CODE_RUN, "roles": Kind("rbac.authorization.k8s.io/v1", "Role", "roles")}


@pytest.mark.parametrize(("method", "path"), NEVER, ids=[" ".join(each) for each in NEVER])
def test_request_that_functions_never_make_is_refused(plane: ControlPlane, method: str, path: str) -> None:
    plural, _, rest = path.partition("/")
    kind = GROUPS.get(plural, Kind("v1", "Any", plural))
    name, _, subresource = rest.partition("/")
    body: dict[str, Any] | None = None if method == "GET" else {}
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    call = Request(method, kind.path(HOME, name, subresource), {}, body, content)
    with pytest.raises(Forbidden):
        connect(plane, FUNCTIONS_USER).send(call)


@pytest.mark.parametrize("user", USERS)
def test_no_right_reaches_another_namespace_or_the_cluster(plane: ControlPlane, user: str) -> None:
    found = connect(plane, user)
    for namespace in ("default", "kube-system", ""):
        assert not [right for right in declared(user) if allowed(found, right, namespace)]


def used(calls: list[Request]) -> set[Right]:
    """Return the rights that the calls used."""
    return {right for call in calls for right in [_right(call)] if right}


def _right(call: Request) -> Right | None:
    parts = call.path.strip("/").split("/")
    group = "" if parts[0] == "api" else parts[1]
    plural, *rest = parts[parts.index("namespaces") + 2 :]
    several = {"GET": "watch" if "watch" in call.query else "list", "DELETE": "deletecollection", "POST": "create"}
    one = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
    return (one if rest else several)[call.method], group, "/".join([plural, *rest[1:]])


def test_runs_use_every_declared_right(world: Harness) -> None:
    """Runs of both kinds are submitted twice, created by hand, retried, cancelled, stuck, deleted, and expire."""
    for kind in RUNS:
        a_life(world, kind)
    stuck(world)
    cleaned_up(world)
    granted = {right for right in declared(FUNCTIONS_USER) if not right[2].endswith("/finalizers")}
    assert granted - used(world.calls.calls) == set(), "rights that are granted but not used"


def a_life(world: Harness, kind: str) -> None:
    base = {**(CODE_SPEC if kind == "CodeRun" else DOCS_SPEC), **own(kind)}
    headers = {"content-type": "application/json", "idempotency-key": uuid.uuid4().hex}
    asked = Asked(headers, json.dumps(base).encode())
    for code in (201, 200):
        assert answer(lambda asked: submit(world.services, kind, asked), asked).code == code
    first = answer(lambda asked: submit(world.services, kind, asked), asked).body
    run = parse(world.kubelet.get(RUNS[kind], world.namespace, (first or {})["data"]["name"]))
    deliver(world, reconcile, event(run.raw, "add"))
    job = job_name(world, run)
    world.job_ready(job)
    swept(world)
    deliver(world, job_finished, event(world.job_ends(job, LOST, ok=False)))
    world.later(minutes=1)
    swept(world)
    world.job_ready(job_name(world, run))
    cancelled = world.kubelet.patch(RUNS[kind], world.namespace, run.name, {"spec": {"cancel": True}})
    deliver(world, reconcile, event(cancelled))
    world.kubelet.delete(RUNS[kind], world.namespace, run.name, run.uid)
    deliver(world, reconcile, event(now(world, run).raw))


def stuck(world: Harness) -> None:
    """Start a run whose pod waits without a reason, and runs that were created by hand."""
    run = started(world)
    job = run.status.job_name or ""
    set_status = node(world).set_pod_status
    set_status(world.namespace, job, {"phase": "Pending"})
    world.later(minutes=1)
    swept(world)
    by_hand = {"name": f"hand-{uuid.uuid4().hex[:8]}", "namespace": world.namespace}
    for kind, base in (("CodeRun", CODE_SPEC), ("DocsRun", DOCS_SPEC)):
        item = {"apiVersion": "agents.platform/v1", "kind": kind, "metadata": by_hand, "spec": dict(base)}
        deliver(world, reconcile, event(world.kubelet.create(RUNS[kind], item), "add"))


def cleaned_up(world: Harness) -> None:
    """Run the hourly pass over expired runs, task files, tombstones and unused workspaces."""
    kept = {"workspace_days": 1, "delete_workspaces": True}
    world.configure(retention=world.services.settings.retention.model_copy(update=kept))
    for kind in RUNS:
        run = submitted(world, kind, f"done-{uuid.uuid4().hex[:8]}", **own(kind))
        deliver(world, reconcile, event(run.raw, "add"))
        job = job_name(world, run)
        world.job_ready(job)
        deliver(world, job_finished, event(world.job_ends(job, DONE)))
    due = Asked({**event({}).headers, "ce-type": RETENTION_DUE}, b"{}")
    for days in (40, 2, 2):
        world.later(days=days)
        deliver(world, sweep, due)
