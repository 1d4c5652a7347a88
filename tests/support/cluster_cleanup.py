"""Deletes the namespaces that tests created on an existing cluster, and finalizers that no controller removes."""

from collections.abc import Iterable
from contextlib import suppress

from functions.cluster.client import Cluster
from functions.cluster.errors import NotFound
from functions.cluster.kinds import CONFIG_MAP, JOB, NAMESPACE, POD, RUNS, VOLUME_CLAIM, Kind
from functions.cluster.transport import Request, Transport
from tests.support.waiting import until

SAMPLE = Kind("contract.agents.platform/v1", "Sample", "samples")
HELD = (*RUNS.values(), SAMPLE, VOLUME_CLAIM, CONFIG_MAP, JOB, POD)
PATIENCE = 60.0


def delete(transport: Transport, namespaces: Iterable[str]) -> None:
    """Delete the namespaces with their content, and wait until they are gone."""
    left, admin = set(namespaces), Cluster(transport)
    for name in left:
        with suppress(NotFound):
            admin.delete(NAMESPACE, None, name, admin.get(NAMESPACE, None, name)["metadata"]["uid"])
            _release(admin, name)
            _end_pods(transport, name)
    until(
        lambda: not left & {each["metadata"]["name"] for each in admin.list(NAMESPACE)},
        PATIENCE,
        f"namespaces still exist: {sorted(left)}",
        every=0.5,
    )


def _release(admin: Cluster, namespace: str) -> None:
    for kind in HELD:
        with suppress(NotFound):
            for item in list(admin.list(kind, namespace)):
                if item["metadata"].get("finalizers"):
                    with suppress(NotFound):
                        admin.patch(kind, namespace, item["metadata"]["name"], {"metadata": {"finalizers": None}})


def _end_pods(transport: Transport, namespace: str) -> None:
    """Delete pods at once: without a real node, they would wait for its kubelet for ever."""
    transport.send(Request("DELETE", POD.path(namespace), {"gracePeriodSeconds": "0"}))
