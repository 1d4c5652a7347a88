"""Connections with the server and the credentials of a kubeconfig."""

from pathlib import Path

from functions.cluster.client import Cluster
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.cluster.transport import Transport
from functions.settings.cluster import ClusterSettings


def transport_of(kubeconfig: Path) -> Transport:
    return KubernetesTransport(ClusterSettings(kubeconfig=str(kubeconfig)))


def cluster_of(kubeconfig: Path) -> Cluster:
    return Cluster(transport_of(kubeconfig))
