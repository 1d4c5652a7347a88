"""Garbage collection by ownerReferences."""

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Place, config_map, eventually, job, owned_by, sample

HELD = {"finalizers": ["a.b/hold"]}


def dependent(place: Place, name: str, meta: Obj) -> Obj:
    return place.create(config_map(name, meta=meta), "configmaps")


def test_a_dependent_goes_with_its_owner(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "of-a", owned_by(owner))
    dependent(place, "free", {})
    assert place.server.delete(place.path(name="a"), {"propagationPolicy": "Background"}).body["kind"] == "Status"
    eventually(lambda: place.gone("of-a", "configmaps"))
    assert not place.gone("free", "configmaps")


def test_a_chain_goes_from_its_head(place: Place) -> None:
    head = place.create(sample())
    middle = place.create({**job("middle", parallelism=0), "metadata": {"name": "middle", **owned_by(head)}}, "jobs")
    dependent(place, "tail", owned_by(middle))
    place.server.delete(place.path(name="a"))
    eventually(lambda: place.gone("middle", "jobs") and place.gone("tail", "configmaps"))


def test_a_dependent_that_comes_too_late_goes_soon(place: Place) -> None:
    owner = place.create(sample())
    place.server.delete(place.path(name="a"))
    dependent(place, "late", owned_by(owner))
    eventually(lambda: place.gone("late", "configmaps"), 15 if not place.server.embedded else 0.5)


def test_a_dependent_stays_as_long_as_one_owner_does(place: Place) -> None:
    first, second = place.create(sample("first")), place.create(sample("second"))
    both = owned_by(first)["ownerReferences"] + owned_by(second)["ownerReferences"]
    dependent(place, "shared", {"ownerReferences": both})
    place.server.delete(place.path(name="first"))

    def owners() -> list[str]:
        return [each["name"] for each in place.get("shared", "configmaps")["metadata"]["ownerReferences"]]

    eventually(lambda: owners() == ["second"])
    place.server.delete(place.path(name="second"))
    eventually(lambda: place.gone("shared", "configmaps"))


def test_the_uid_decides_not_the_name(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "of-the-old", owned_by(owner))
    place.server.delete(place.path(name="a"))
    again = place.create(sample())
    dependent(place, "of-the-new", owned_by(again))
    eventually(lambda: place.gone("of-the-old", "configmaps"))
    assert not place.gone("of-the-new", "configmaps")


def test_in_the_foreground_the_owner_waits_for_what_blocks_it(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "blocking", {**owned_by(owner, blockOwnerDeletion=True), **HELD})
    answer = place.server.delete(place.path(name="a"), {"propagationPolicy": "Foreground"})
    assert answer.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    eventually(lambda: "deletionTimestamp" in place.get("blocking", "configmaps")["metadata"])
    assert not place.gone("a")
    place.server.patch(place.path("configmaps", "blocking"), {"metadata": {"finalizers": None}})
    eventually(lambda: place.gone("a"))


def test_in_the_foreground_without_dependents_the_owner_goes(place: Place) -> None:
    place.create(sample())
    place.server.delete(place.path(name="a"), {"propagationPolicy": "Foreground"})
    eventually(lambda: place.gone("a"))


def test_orphans_become_independent(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "orphan", owned_by(owner))
    place.server.delete(place.path(name="a"), {"propagationPolicy": "Orphan"})
    eventually(lambda: place.gone("a"))
    assert "ownerReferences" not in place.get("orphan", "configmaps")["metadata"]


def test_a_dependent_with_a_finalizer_is_marked_and_waits(place: Place) -> None:
    owner = place.create(sample())
    dependent(place, "held", {**owned_by(owner), **HELD})
    place.server.delete(place.path(name="a"))
    eventually(lambda: "deletionTimestamp" in place.get("held", "configmaps")["metadata"])
    place.server.patch(place.path("configmaps", "held"), {"metadata": {"finalizers": None}})
    assert place.gone("held", "configmaps")
