"""Garbage collection by ownerReferences."""

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Namespace, config_map, job, owned_by, sample
from tests.support.waiting import until

HELD = {"finalizers": ["a.b/hold"]}


def dependent(namespace: Namespace, name: str, meta: Obj) -> Obj:
    return namespace.create(config_map(name, meta=meta), "configmaps")


def test_dependent_is_deleted_with_its_owner(namespace: Namespace) -> None:
    owner = namespace.create(sample())
    dependent(namespace, "of-a", owned_by(owner))
    dependent(namespace, "free", {})
    assert (
        namespace.server.delete(namespace.path(name="a"), {"propagationPolicy": "Background"}).body["kind"] == "Status"
    )
    until(lambda: namespace.gone("of-a", "configmaps"))
    assert not namespace.gone("free", "configmaps")


def test_chain_of_dependents_is_deleted_with_its_first_owner(namespace: Namespace) -> None:
    head = namespace.create(sample())
    middle = namespace.create(
        {**job("middle", parallelism=0), "metadata": {"name": "middle", **owned_by(head)}}, "jobs"
    )
    dependent(namespace, "tail", owned_by(middle))
    namespace.server.delete(namespace.path(name="a"))
    until(lambda: namespace.gone("middle", "jobs") and namespace.gone("tail", "configmaps"))


def test_dependent_created_after_the_deletion_of_its_owner_is_deleted(namespace: Namespace) -> None:
    owner = namespace.create(sample())
    namespace.server.delete(namespace.path(name="a"))
    dependent(namespace, "late", owned_by(owner))
    until(lambda: namespace.gone("late", "configmaps"), 15 if not namespace.server.embedded else 0.5)


def test_dependent_is_kept_while_one_owner_exists(namespace: Namespace) -> None:
    first, second = namespace.create(sample("first")), namespace.create(sample("second"))
    both = owned_by(first)["ownerReferences"] + owned_by(second)["ownerReferences"]
    dependent(namespace, "shared", {"ownerReferences": both})
    namespace.server.delete(namespace.path(name="first"))

    def owners() -> list[str]:
        return [each["name"] for each in namespace.get("shared", "configmaps")["metadata"]["ownerReferences"]]

    until(lambda: owners() == ["second"])
    namespace.server.delete(namespace.path(name="second"))
    until(lambda: namespace.gone("shared", "configmaps"))


def test_dependent_belongs_to_the_uid_and_not_the_name_of_its_owner(namespace: Namespace) -> None:
    owner = namespace.create(sample())
    dependent(namespace, "of-the-old", owned_by(owner))
    namespace.server.delete(namespace.path(name="a"))
    again = namespace.create(sample())
    dependent(namespace, "of-the-new", owned_by(again))
    until(lambda: namespace.gone("of-the-old", "configmaps"))
    assert not namespace.gone("of-the-new", "configmaps")


def test_foreground_deletion_waits_for_blocking_dependents(namespace: Namespace) -> None:
    owner = namespace.create(sample())
    dependent(namespace, "blocking", {**owned_by(owner, blockOwnerDeletion=True), **HELD})
    answer = namespace.server.delete(namespace.path(name="a"), {"propagationPolicy": "Foreground"})
    assert answer.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    until(lambda: "deletionTimestamp" in namespace.get("blocking", "configmaps")["metadata"])
    assert not namespace.gone("a")
    namespace.server.patch(namespace.path("configmaps", "blocking"), {"metadata": {"finalizers": None}})
    until(lambda: namespace.gone("a"))


def test_foreground_deletion_without_dependents_is_immediate(namespace: Namespace) -> None:
    namespace.create(sample())
    namespace.server.delete(namespace.path(name="a"), {"propagationPolicy": "Foreground"})
    until(lambda: namespace.gone("a"))


def test_orphaned_dependents_lose_their_owner_reference(namespace: Namespace) -> None:
    owner = namespace.create(sample())
    dependent(namespace, "orphan", owned_by(owner))
    namespace.server.delete(namespace.path(name="a"), {"propagationPolicy": "Orphan"})
    until(lambda: namespace.gone("a"))
    assert "ownerReferences" not in namespace.get("orphan", "configmaps")["metadata"]


def test_dependent_with_a_finalizer_waits_for_its_removal(namespace: Namespace) -> None:
    owner = namespace.create(sample())
    dependent(namespace, "held", {**owned_by(owner), **HELD})
    namespace.server.delete(namespace.path(name="a"))
    until(lambda: "deletionTimestamp" in namespace.get("held", "configmaps")["metadata"])
    namespace.server.patch(namespace.path("configmaps", "held"), {"metadata": {"finalizers": None}})
    assert namespace.gone("held", "configmaps")
