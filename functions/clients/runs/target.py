"""The cluster and namespace of the runs, selected by kubectl's rules.

The namespace is the given one, else that of the kubeconfig's context, else `orchestrator`. Settings of the functions
are not read.
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
"""The default namespace, as in the setting `namespace`."""


@dataclass(frozen=True, slots=True)
class ClusterTarget:
    """A namespace of a cluster."""

    cluster: Cluster
    namespace: str


def connect(kubeconfig: str = "", context: str = "", namespace: str = "") -> ClusterTarget:
    """Return the target that the options select; empty ones default as in kubectl. Makes no request."""
    files = kubeconfig or os.environ.get("KUBECONFIG", "")
    settings = ClusterSettings(kubeconfig=files, context=context)
    return ClusterTarget(Cluster(KubernetesTransport(settings)), namespace or _namespace(settings) or NAMESPACE)


def from_environment(environ: Mapping[str, str], namespace: str = "") -> ClusterTarget:
    """Return the target that the environment selects, by the variables of the options of `orchestrator runs`."""
    options = {option: environ.get(name, "") for option, name in VARIABLES.items()}
    return connect(**options | ({"namespace": namespace} if namespace else {}))


VARIABLES = {
    "kubeconfig": "ORCHESTRATOR_CLUSTER__KUBECONFIG",
    "context": "ORCHESTRATOR_CLUSTER__CONTEXT",
    "namespace": "ORCHESTRATOR_NAMESPACE",
}
"""Environment variable of each option; the functions read the same ones."""


def _namespace(settings: ClusterSettings) -> str:
    """Return the namespace of the context; empty if it has none or the file is unreadable."""
    try:
        return Kubeconfig(settings).namespace
    except errors.Forbidden:
        return ""


@contextmanager
def user_errors(target: ClusterTarget, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Convert errors of the cluster to CommandError with a remedy, except those of the families `passing`."""
    try:
        yield
    except passing:
        raise
    except ClusterError as error:
        raise explain(error, target.namespace) from error


def explain(error: ClusterError, namespace: str) -> CommandError:
    """Return an error of the cluster as CommandError, with a remedy for the user."""
    match error:
        case errors.Invalid() if error.causes:
            causes = "; ".join(f"{field}: {why}" for field, why in error.causes)
            return CommandError(f"the cluster rejects it: {causes}")
        case errors.NoCredentials():
            return CommandError(f"{error}\n{_NAME_CLUSTER}")
        case errors.WebhookDown():
            return Unavailable(f"{error}\nan admission webhook of the cluster is down; try again, or ask who runs it")
        case errors.WebhookRefused():
            return CommandError(f"{error}\nan admission webhook of the cluster refuses it; ask who runs the webhook")
        case errors.Forbidden():
            return CommandError(f"{error}\n{_WHO.format(namespace=namespace)}")
        case errors.Unavailable():
            return Unavailable(f"{error}\n{_WHERE}")
        case errors.NotFound() | errors.KindNotServed():
            return CommandError(f"{error}\n{_CRDS.format(namespace=namespace)}")
        case _:
            return CommandError(str(error))


_WHO = (
    "select another user with --kubeconfig and --context (or KUBECONFIG), or request rights in namespace {namespace}: "
    "get, list, watch and patch coderuns and docsruns, get and list pods, get pods/log"
)
_NAME_CLUSTER = "name the cluster with --kubeconfig and --context (or KUBECONFIG); `make dev` prints a file to source"
_WHERE = "is the cluster up, and the right one? Name another with --kubeconfig and --context (or KUBECONFIG)"
_CRDS = "are the CRDs of crds/ installed there, and is {namespace} the right namespace (--namespace)?"
