"""The connection to the Kubernetes API."""

from typing import Annotated, Literal

from pydantic import Field

from functions.settings.types import Section


class ClusterSettings(Section):
    """How to reach the Kubernetes API."""

    kubeconfig: Annotated[str, Field(description="Path; empty: in-cluster, else KUBECONFIG or ~/.kube/config.")] = ""
    context: Annotated[str, Field(description="Context of the kubeconfig; empty: its current context.")] = ""
    identity: Annotated[
        Literal["kubeconfig", "google"],
        Field(
            description="Credentials. kubeconfig: those in it; google: the service account of a function on Google "
            "Cloud, with a kubeconfig that has only the address and certificate of a GKE cluster."
        ),
    ] = "kubeconfig"
    timeout: Annotated[float, Field(gt=0, le=300, description="Longest duration of one API call, in seconds.")] = 10
