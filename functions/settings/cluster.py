"""The Kubernetes API."""

from typing import Annotated, Literal

from pydantic import Field

from functions.settings.types import Section


class ClusterSettings(Section):
    """How the Kubernetes API is reached."""

    kubeconfig: Annotated[str, Field(description="Path; empty: in-cluster, else the usual KUBECONFIG.")] = ""
    context: Annotated[str, Field(description="Context of the kubeconfig; empty: its current one.")] = ""
    identity: Annotated[
        Literal["kubeconfig", "google"],
        Field(
            description="Who asks. google: the service account of a function on Google Cloud; its kubeconfig has "
            "only the address and certificate of a GKE cluster."
        ),
    ] = "kubeconfig"
    timeout: Annotated[float, Field(gt=0, le=300, description="Longest one API call may take, in seconds.")] = 10
