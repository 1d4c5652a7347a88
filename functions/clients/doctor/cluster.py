"""The cluster: it answers, is new enough, has the right time, the namespace and a place for workspaces."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from functions.clients.doctor.finding import Examined, Finding, ok, problem, unknown
from functions.cluster.errors import ClusterError, Forbidden, NoCredentials, NotFound, Unavailable
from functions.cluster.kinds import CONFIG_MAP, NAMESPACE
from functions.cluster.transport import Request

LEAST_MINOR = 29
"""Native sidecars, which a broker in an attempt's pod needs, are on from Kubernetes 1.29."""
CLOCK_ERROR = timedelta(seconds=60)
"""A GitHub App's token is dated back by as much; leases and schedules bear it too."""
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def answers(examined: Examined) -> Iterator[Finding]:
    """Check that the API server answers with these credentials."""
    try:
        version = examined.read("/version")
        examined.read(CONFIG_MAP.path(examined.namespace), limit="1")
    except Unavailable as error:
        yield problem("api server", f"{error}; is the cluster up, and is it the one that cluster.kubeconfig names?")
    except NoCredentials as error:
        yield problem("api server", str(error))
    except Forbidden as error:
        yield problem("api server", f"the credentials of cluster.kubeconfig are not accepted: {error}")
    except ClusterError as error:
        yield problem("api server", f"{error}; does cluster.kubeconfig name a Kubernetes API server?")
    else:
        yield from _version(str(version.get("gitVersion", "")))


def _version(name: str) -> Iterator[Finding]:
    minor = re.match(r"v1\.(\d+)", name)
    if minor and int(minor[1]) < LEAST_MINOR:
        yield problem("version", f"the cluster runs Kubernetes {name}; 1.{LEAST_MINOR} or newer is needed: upgrade it")
    else:
        yield ok("api server", f"Kubernetes {name}")


def clock(examined: Examined) -> Iterator[Finding]:
    """Compare this machine's clock with that of the API server, by an object that is not stored (dryRun)."""
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "orchestrator-doctor-"}}
    path = CONFIG_MAP.path(examined.namespace)
    try:
        made = examined.transport.send(Request("POST", path, {"dryRun": "All"}, body=item))
        there = datetime.fromisoformat(made["metadata"]["creationTimestamp"])
    except (ClusterError, KeyError, ValueError) as error:
        yield unknown("clock", str(error))
        return
    apart = abs(there - examined.clock())
    if apart > CLOCK_ERROR:
        seconds = int(apart.total_seconds())
        yield problem("clock", f"this machine and the API server are {seconds} s apart: set both by NTP")
    else:
        yield ok("clock", "agrees with the API server")


def namespace(examined: Examined) -> Iterator[Finding]:
    """Check that the namespace is there and stays."""
    name = examined.namespace
    try:
        phase = examined.cluster.get(NAMESPACE, None, name).get("status", {}).get("phase", "Active")
    except NotFound:
        how = "kubectl apply --kustomize an overlay of infra/kubernetes, or correct the setting namespace"
        yield problem("namespace", f"namespace {name} does not exist: {how}")
    except ClusterError as error:
        yield unknown("namespace", error)
    else:
        if phase == "Terminating":
            yield problem("namespace", f"namespace {name} is being deleted: wait, then install again")
        else:
            yield ok("namespace", name)


def storage(examined: Examined) -> Iterator[Finding]:
    """Check that workspaces have a StorageClass."""
    wanted = examined.settings.job.workspace_class
    try:
        classes = examined.read("/apis/storage.k8s.io/v1/storageclasses")["items"]
    except ClusterError as error:
        yield unknown("storage", error)
        return
    names = [each["metadata"]["name"] for each in classes]
    default = [each for each in classes if (each["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"]
    if wanted and wanted not in names:
        there = ", ".join(names) or "none"
        yield problem("storage", f"setting job.workspace_class: there is no StorageClass {wanted}; there are {there}")
    elif not wanted and not default:
        yield problem(
            "storage", "the cluster has no default StorageClass: set job.workspace_class, or mark one default"
        )
    else:
        yield ok("storage", wanted or default[0]["metadata"]["name"])
