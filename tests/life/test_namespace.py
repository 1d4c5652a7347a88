"""The deletion of a namespace deletes its runs: they are released, although no tombstone can be created."""

import pytest

from functions.cluster.errors import NamespaceTerminating, NotFound
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, NAMESPACE
from functions.manifests.tombstone import REQUEST
from tests.support.api import Harness
from tests.support.run_steps import now, run_event, submitted


@pytest.mark.parametrize("notes", [{REQUEST: "0" * 64}, {}], ids=["request", "kubectl"])
def test_run_of_a_deleted_namespace_is_released(world: Harness, notes: dict[str, str]) -> None:
    run = submitted(world)
    world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"metadata": {"annotations": notes}})
    run_event(world, now(world, run).raw, "add")
    space = world.kubelet.get(NAMESPACE, None, world.namespace)
    world.kubelet.delete(NAMESPACE, None, world.namespace, space["metadata"]["uid"])
    refused = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": world.namespace}}
    with pytest.raises(NamespaceTerminating):
        world.kubelet.create(CONFIG_MAP, refused)
    if now(world, run).deleting is False:  # as the namespace controller does
        world.kubelet.delete(CODE_RUN, world.namespace, run.name, run.uid)
    assert run_event(world, now(world, run).raw).code == 204
    with pytest.raises(NotFound):
        now(world, run)
