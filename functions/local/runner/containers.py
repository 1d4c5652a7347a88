"""The containers of a pod by their role. Pure.

The main one is the agent's: the pod's log and report are its. Others run beside it: native sidecars, which the kubelet
stops at the end of the rest, and plain containers, which keep the pod running until they end.

Source: Kubernetes, Sidecar Containers; kubectl's annotation of the default container.
"""

from collections.abc import Sequence

from functions.cluster.client import Object
from functions.cluster.containers import default_container


def main(pod: Object) -> Object:
    """Return the container that the annotation names, else the first."""
    containers: list[Object] = pod["spec"]["containers"]
    return next(each for each in containers if each["name"] == default_container(pod))


def sidecars(pod: Object) -> Sequence[Object]:
    """Return the native sidecars, in the order of their start."""
    return [each for each in pod["spec"].get("initContainers") or () if each.get("restartPolicy") == "Always"]


def beside(pod: Object) -> Sequence[Object]:
    """Return the plain containers, without the main one."""
    name = main(pod)["name"]
    return [each for each in pod["spec"]["containers"] if each["name"] != name]
