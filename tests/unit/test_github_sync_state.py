"""The record of the last sync with GitHub, and its lease, as annotations of a run."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.github.api.lease_guard import LeaseExpired, LeaseGuard
from functions.github.reports import pull_request
from functions.runs import github_sync_state
from functions.runs.github_sync_state import SyncRecord
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.states import State, move
from functions.runs.model import origin
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import RunStatus
from tests.support.builders import NOW, ended, run


def noted(found: Run, patch: github_sync_state.Patch) -> Run:
    """Return the run with the annotations of a patch."""
    kept = {key: text for key, text in patch["metadata"]["annotations"].items() if text is not None}
    again = run(annotations={**kept, **origin.to_annotations(origin.Origin("acme/shop", 7))})
    return again.with_status(found.status)


def test_a_synced_run_is_synced_again_only_after_a_fact_changes() -> None:
    found = noted(ended(), {"metadata": {"annotations": {}}})
    assert github_sync_state.needs_sync(found, on_github=True)
    found = noted(found, github_sync_state.release(found, SyncRecord(github_sync_state.digest(found), 5)))
    assert github_sync_state.last_synced(found.raw).comment == 5
    assert not github_sync_state.needs_sync(found, on_github=True)
    assert github_sync_state.needs_sync(
        found.with_status(found.status.model_copy(update={"message": "other"})), on_github=True
    )
    assert github_sync_state.needs_sync(
        found.with_status(found.status.model_copy(update={"summary": "other"})), on_github=True
    )
    same = found.status.model_copy(update={"reported": "1/succeeded", "last_update": NOW + timedelta(days=1)})
    assert not github_sync_state.needs_sync(found.with_status(same), on_github=True), (
        "no fact that GitHub shows has changed"
    )
    assert github_sync_state.needs_sync(noted(found, github_sync_state.invalidate()), on_github=True)


def test_a_run_that_does_not_concern_github_is_not_synced() -> None:
    assert not github_sync_state.needs_sync(ended(), on_github=False)
    assert github_sync_state.needs_sync(ended(), on_github=True)
    assert not github_sync_state.needs_sync(run(), on_github=True), "it has no status yet"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"digest": 3}', '{"comment": "x"}', "null"])
def test_an_unreadable_annotation_counts_as_never_synced(text: str) -> None:
    assert github_sync_state.last_synced(run(annotations={github_sync_state.SYNC_RECORD: text}).raw) == SyncRecord()
    assert (
        github_sync_state.lease_seconds_left(
            run(annotations={github_sync_state.SYNC_LEASE: text or "2026-01-01"}).raw, NOW
        )
        == 0
    )


def test_a_lease_lasts_2_minutes_and_a_back_off_as_github_asks_within_bounds() -> None:
    claimed = noted(ended(), github_sync_state.acquire(run(), NOW))
    assert github_sync_state.lease_seconds_left(claimed.raw, NOW) == 120
    assert github_sync_state.lease_seconds_left(claimed.raw, NOW + timedelta(minutes=2)) == 0
    assert github_sync_state.covered_by_redelivery(claimed.raw, NOW + timedelta(minutes=16))
    assert not github_sync_state.covered_by_redelivery(claimed.raw, NOW + timedelta(minutes=18))
    for seconds, rests in ((None, 10), (1, 10), (600, 600), (10_000_000, 3600)):
        assert (
            github_sync_state.lease_seconds_left(
                noted(ended(), github_sync_state.back_off(run(), NOW, seconds, SyncRecord())).raw, NOW
            )
            == rests
        )


def test_commits_with_concluded_checks_are_skipped() -> None:
    first, *_ = ended().status.attempts
    history = [first.model_copy(update={"commit": commit}) for commit in "abcd"]
    status = ended().status.model_copy(update={"attempts": history})
    for checked, left in (("", "abc"), ("a", "abc"), ("c", "c"), ("d", ""), ("dropped", "abc")):
        patch = github_sync_state.back_off(run(), NOW, None, SyncRecord(last_check_commit=checked))
        assert github_sync_state.unconcluded(noted(ended(), patch).with_status(status)) == [*left]
    assert github_sync_state.unconcluded(run()) == []


class Sent:
    """A repository client that records calls and returns empty answers."""

    name = "acme/shop"

    def __init__(self) -> None:
        self.sent: list[str] = []

    def get(self, path: str, **query: str) -> Any:
        self.sent.append(f"GET {path}")

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        self.sent.append(f"GET {path}")
        return iter(())

    def text_end(self, path: str, size: int) -> str:
        self.sent.append(f"GET {path}")
        return ""

    def post(self, path: str, body: Any = None) -> Any:
        self.sent.append(f"POST {path}")

    def patch(self, path: str, body: Any) -> Any:
        self.sent.append(f"PATCH {path}")

    def delete(self, path: str) -> None:
        self.sent.append(f"DELETE {path}")


@pytest.mark.parametrize(("until", "writes"), [(NOW + timedelta(seconds=1), True), (NOW, False), (None, True)])
def test_an_expired_lease_allows_reads_and_deletes_but_no_writes(until: datetime | None, writes: bool) -> None:
    sent = Sent()
    calls = LeaseGuard(sent, until, lambda: NOW)
    calls.get("a")
    calls.pages("b")
    calls.delete("c")  # the newer of two duplicate comments
    for write in (lambda: calls.post("d", {}), lambda: calls.patch("e", {})):
        with suppress(LeaseExpired):
            write()
    assert sent.sent == ["GET a", "GET b", "DELETE c", *(["POST d", "PATCH e"] if writes else [])]


def test_commits_are_listed_once_in_the_order_of_their_last_attempt() -> None:
    def commits_of(*commits: str | None) -> list[str]:
        made = [transitions.start(run(), NOW).attempts[0].model_copy(update={"commit": each}) for each in commits]
        return github_sync_state.commits(run().with_status(RunStatus(attempts=made)))

    assert commits_of("a", None, "b") == ["a", "b"]
    assert commits_of("a", "b", "a") == ["b", "a"]
    assert commits_of(None) == []


def test_only_succeeded_work_without_a_pull_request_lacks_one() -> None:
    assert github_sync_state.lacks_pull_request(ended())
    for found in (ended(State.FAILED, Reason.MAX_TURNS), ended(reason=Reason.NO_CHANGES), run()):
        assert not github_sync_state.lacks_pull_request(found)
    opened = ended().with_status(pull_request.with_url(ended().status, "https://g/1", 1, NOW))
    assert not github_sync_state.lacks_pull_request(opened)
    refused = noted(ended(), github_sync_state.release(ended(), SyncRecord(pr_refused_attempt=1)))
    assert not github_sync_state.lacks_pull_request(refused)
    moved = move(RunStatus(), State.FAILED, Reason.INVALID_SPEC, "", generation=1, now=NOW)
    assert not github_sync_state.lacks_pull_request(run().with_status(moved))
