"""Garbage collection by ownerReferences."""

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Place, config_map, eventually, job, owned_by, sample

HELD = {"finalizers": ["a.b/hold"]}


def dependent(place: Place, name: str, meta: Obj) -> Obj:
    return place.create(config_map(name, meta=meta), "configmaps")


def test_dependent_is_deleted_with_its_owner(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "of-a", owned_by(owner))
    dependent(place, "free", {})
    assert place.server.delete(place.path(name="a"), {"propagationPolicy": "Background"}).body["kind"] == "Status"
    eventually(lambda: place.gone("of-a", "configmaps"))
    assert not place.gone("free", "configmaps")


def test_chain_of_dependents_is_deleted_with_its_first_owner(place: Place) -> None:
    head = place.create(sample())
    middle = place.create({**job("middle", parallelism=0), "metadata": {"name": "middle", **owned_by(head)}}, "jobs")
    dependent(place, "tail", owned_by(middle))
    place.server.delete(place.path(name="a"))
    eventually(lambda: place.gone("middle", "jobs") and place.gone("tail", "configmaps"))


def test_dependent_created_after_the_deletion_of_its_owner_is_deleted(place: Place) -> None:
    owner = place.create(sample())
    place.server.delete(place.path(name="a"))
    dependent(place, "late", owned_by(owner))
    eventually(lambda: place.gone("late", "configmaps"), 15 if not place.server.embedded else 0.5)


def test_dependent_is_kept_while_one_owner_exists(place: Place) -> None:
    first, second = place.create(sample("first")), place.create(sample("second"))
    both = owned_by(first)["ownerReferences"] + owned_by(second)["ownerReferences"]
    dependent(place, "shared", {"ownerReferences": both})
    place.server.delete(place.path(name="first"))

    def owners() -> list[str]:
        return [each["name"] for each in place.get("shared", "configmaps")["metadata"]["ownerReferences"]]

    eventually(lambda: owners() == ["second"])
    place.server.delete(place.path(name="second"))
    eventually(lambda: place.gone("shared", "configmaps"))


def test_dependent_belongs_to_the_uid_and_not_the_name_of_its_owner(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "of-the-old", owned_by(owner))
    place.server.delete(place.path(name="a"))
    again = place.create(sample())
    dependent(place, "of-the-new", owned_by(again))
    eventually(lambda: place.gone("of-the-old", "configmaps"))
    assert not place.gone("of-the-new", "configmaps")


def test_foreground_deletion_waits_for_blocking_dependents(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "blocking", {**owned_by(owner, blockOwnerDeletion=True), **HELD})
    answer = place.server.delete(place.path(name="a"), {"propagationPolicy": "Foreground"})
    assert answer.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    eventually(lambda: "deletionTimestamp" in place.get("blocking", "configmaps")["metadata"])
    assert not place.gone("a")
    place.server.patch(place.path("configmaps", "blocking"), {"metadata": {"finalizers": None}})
    eventually(lambda: place.gone("a"))


def test_foreground_deletion_without_dependents_is_immediate(place: Place) -> None:
    place.create(sample())
    place.server.delete(place.path(name="a"), {"propagationPolicy": "Foreground"})
    eventually(lambda: place.gone("a"))


def test_orphaned_dependents_lose_their_owner_reference(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "orphan", owned_by(owner))
    place.server.delete(place.path(name="a"), {"propagationPolicy": "Orphan"})
    eventually(lambda: place.gone("a"))
    assert "ownerReferences" not in place.get("orphan", "configmaps")["metadata"]


def test_dependent_with_a_finalizer_waits_for_its_removal(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "held", {**owned_by(owner), **HELD})
    place.server.delete(place.path(name="a"))
    eventually(lambda: "deletionTimestamp" in place.get("held", "configmaps")["metadata"])
    place.server.patch(place.path("configmaps", "held"), {"metadata": {"finalizers": None}})
    assert place.gone("held", "configmaps")
