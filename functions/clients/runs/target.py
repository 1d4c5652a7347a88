"""Where the runs are: a cluster and a namespace of it, by the usual rules of kubectl (a server's settings
are not read).

The namespace is the one given, else the one the kubeconfig's context names, else `orchestrator`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from functions.clients.errors import CommandError, Unavailable
from functions.cluster import errors
from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError
from functions.cluster.kubeconfig import Kubeconfig
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.settings.cluster import ClusterSettings

NAMESPACE = "orchestrator"
"""Where runs are unless something says otherwise: the default of the setting `namespace`."""


@dataclass(frozen=True, slots=True)
class ClusterTarget:
    """A namespace of a cluster."""

    cluster: Cluster
    namespace: str


def connect(kubeconfig: str = "", context: str = "", namespace: str = "") -> ClusterTarget:
    """Return the target that the options name; kubectl's own defaults stand for empty ones. Sends nothing."""
    files = kubeconfig or os.environ.get("KUBECONFIG", "")
    settings = ClusterSettings(kubeconfig=files, context=context)
    return ClusterTarget(Cluster(KubernetesTransport(settings)), namespace or _namespace(settings) or NAMESPACE)


def from_environment(environ: Mapping[str, str], namespace: str = "") -> ClusterTarget:
    """The place that the environment names, in the variables that the options of `orchestrator runs` read too."""
    found = {option: environ.get(name, "") for option, name in VARIABLES.items()}
    return connect(**found | ({"namespace": namespace} if namespace else {}))


VARIABLES = {
    "kubeconfig": "ORCHESTRATOR_CLUSTER__KUBECONFIG",
    "context": "ORCHESTRATOR_CLUSTER__CONTEXT",
    "namespace": "ORCHESTRATOR_NAMESPACE",
}
"""The variables that set the same for the functions."""


def _namespace(settings: ClusterSettings) -> str:
    """Return the namespace of the context; empty if it names none, or if the file cannot be read: calls say why."""
    try:
        return Kubeconfig(settings).namespace
    except errors.Forbidden:
        return ""


@contextmanager
def user_errors(place: ClusterTarget, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raises CommandError, saying what to do, in place of an error of the cluster; but not of these families."""
    try:
        yield
    except but:
        raise
    except ClusterError as error:
        raise explain(error, place.namespace) from error


def explain(error: ClusterError, namespace: str) -> CommandError:
    """What went wrong with a call to the cluster, and what to do about it, for the person who asked."""
    match error:
        case errors.Invalid() if error.causes:
            causes = "; ".join(f"{field}: {why}" for field, why in error.causes)
            return CommandError(f"the cluster refuses it: {causes}")
        case errors.Forbidden():
            return CommandError(f"{error}\n{_WHO.format(namespace=namespace)}")
        case errors.Unavailable():
            return Unavailable(f"{error}\n{_WHERE}")
        case errors.NotFound() | errors.KindNotServed():
            return CommandError(f"{error}\n{_CRDS.format(namespace=namespace)}")
        case _:
            return CommandError(str(error))


_WHO = (
    "say who you are with --kubeconfig and --context (or KUBECONFIG), or ask for rights in namespace {namespace}: "
    "get, list, watch and patch coderuns and docsruns, get and list pods, get pods/log"
)
_WHERE = "is the cluster up, and the right one? Name another with --kubeconfig and --context (or KUBECONFIG)"
_CRDS = "are the CRDs of crds/ installed there, and is {namespace} the right namespace (--namespace)?"
