"""POST: identity and defaults of a new object. test_create_refused.py and test_create_bodies.py have rejected ones."""

import re

from tests.contract.apiserver.samples import Namespace, refused, sample

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def test_new_object_gets_identity_defaults_and_generation(namespace: Namespace) -> None:
    meta = {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z", "generation": 7, "labels": {"a": "b"}}
    created = namespace.create(sample(meta=meta, nested={}, unknown=1, anything={"x": 1}))
    assert created["spec"] == {
        "task": 1,
        "url": "https://x/y",
        "app": "a",
        "anything": {"x": 1},
        "model": "claude-x",
        "cli": "claude",
        "mode": "default",
        "cancel": False,
        "nested": {"inner": {"count": 3}},
    }
    got = created["metadata"]
    assert re.fullmatch(UUID, got["uid"])
    assert re.fullmatch(STAMP, got["creationTimestamp"])
    assert got["creationTimestamp"] > "2025"
    assert (got["generation"], got["namespace"], got["labels"]) == (1, namespace.name, {"a": "b"})
    assert int(got["resourceVersion"]) > 0
    assert namespace.get("a") == created


def test_status_of_a_new_object_is_dropped(namespace: Namespace) -> None:
    created = namespace.create({**sample(), "status": {"phase": "Running"}})
    assert "status" not in created


def test_generate_name_gives_unused_names(namespace: Namespace) -> None:
    names = {
        namespace.create(sample(meta={"name": None, "generateName": "run-"}))["metadata"]["name"] for _ in range(3)
    }
    assert len(names) == 3
    assert all(re.fullmatch(r"run-[a-z0-9]{5}", name) for name in names)


def test_second_object_with_the_same_name_is_rejected(namespace: Namespace) -> None:
    namespace.create(sample())
    answer = namespace.server.post(namespace.path(), sample(task=2))
    refused(answer, 409, "AlreadyExists", 'samples.contract.agents.platform "a" already exists')
    assert answer.body["details"] == {"name": "a", "group": "contract.agents.platform", "kind": "samples"}
    assert namespace.get("a")["spec"]["task"] == 1


def test_whole_numbers_may_be_written_as_floats_and_nulls_count_as_absent(namespace: Namespace) -> None:
    body = sample(task=2.0)
    body["spec"] |= {"model": None, "cost": None}
    assert namespace.create(body)["spec"] == {
        "task": 2,
        "url": "https://x/y",
        "app": "a",
        "cost": None,
        "model": "claude-x",
        "cli": "claude",
        "mode": "default",
        "cancel": False,
    }


def test_a_dry_run_creates_nothing(namespace: Namespace) -> None:
    answer = namespace.server.post(f"{namespace.path()}?dryRun=All", sample())
    assert (answer.code, answer.body["spec"]["mode"]) == (201, "default")
    assert "resourceVersion" not in answer.body["metadata"]
    assert namespace.gone("a")
