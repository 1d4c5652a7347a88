"""Stores write to the version that was read; a change by another process raises Conflict, or the work is retried."""

import pytest

from functions.cluster.errors import Conflict, NotFound
from functions.storage.config_map_store import merge_patch
from functions.storage.conflicts import MAX_TRIES, retry_on_conflict
from functions.storage.error_isolation import isolate_errors


def test_work_is_retried_until_it_has_no_conflict() -> None:
    tries: list[int] = []

    def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise Conflict("changed")
        return "done"

    assert retry_on_conflict(work, "later") == "done"
    assert len(tries) == 3


def test_repeated_conflicts_raise_conflict_after_the_last_try() -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise Conflict("changed")

    with pytest.raises(Conflict, match=f"{MAX_TRIES} tries .*the next event continues"):
        retry_on_conflict(work, "the next event continues")
    assert len(tries) == MAX_TRIES


def test_another_error_ends_the_work_at_once() -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise NotFound("deleted")

    with pytest.raises(NotFound):
        retry_on_conflict(work, "later")
    assert len(tries) == 1


def test_an_error_of_one_run_is_isolated_from_the_others() -> None:
    def fails() -> None:
        raise RuntimeError("a defect")

    def deleted() -> None:
        raise NotFound("deleted")

    assert not isolate_errors("ns/a", fails)
    assert isolate_errors("ns/b", deleted)
    assert isolate_errors("ns/c", lambda: None)


def test_a_merge_patch_names_the_read_version_and_contains_only_changes() -> None:
    before = {
        "metadata": {"resourceVersion": "7", "annotations": {"theirs": "1", "ours": "1"}},
        "data": {"same": "1", "changed": "1", "gone": "1"},
    }
    wanted = {"metadata": {"annotations": {"ours": "2"}}, "data": {"same": "1", "changed": "2"}}
    assert merge_patch(before, wanted) == {
        "metadata": {"resourceVersion": "7", "annotations": {"ours": "2"}},
        "data": {"changed": "2", "gone": None},
    }
    unchanged = {"metadata": {"annotations": {"ours": "1"}}, "data": before["data"]}
    assert merge_patch(before, unchanged) is None
