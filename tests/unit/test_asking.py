"""Requests of people on an existing run, which are idempotent by key.

| request   | run                              | result                                              |
|-----------|----------------------------------|-----------------------------------------------------|
| retry     | finished, also if cancelled      | contextVersion + 1, cancel removed                  |
| retry     | unfinished, deleted, docs, bad   | refused; the message says what to do instead        |
| retry     | waits for a fix, without attempt | contextVersion + 1: the next attempt starts at once |
| retry     | an earlier retry has not begun   | refused, so that its instructions are not lost      |
| retry     | the earlier retry is cancelled   | accepted                                            |
| retry     | the same key again               | no patch, for the last 20 keys                      |
| cancel    | unfinished / finished            | cancel / refused                                    |
| cancel    | a retry has not begun            | cancel                                              |
| either    | changed since it was read        | conflict: the patch names the version it was read at |
| automatic | finished                         | retry, up to the limit; refused after merge or close |
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.runs import requests
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.states import State
from functions.runs.model import origin, pull_request
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from tests.support.builders import NOW, run, with_attempt


def finished(kind: str = "CodeRun", to: State = State.FAILED, **changes: Any) -> Run:
    begun = run(kind, **changes)
    begun = with_attempt(begun)
    reason = Reason.CANCELLED if to is State.CANCELLED else Reason.MAX_TURNS
    return begun.with_status(transitions.end_run(begun, to, reason, "", NOW))


def patched(found: Run, patch: requests.Patch) -> Run:
    """Return the run after the patch, as the API server merges it."""
    raw = dict(found.to_status_update(found.status))
    spec = {key: value for key, value in {**raw["spec"], **patch["spec"]}.items() if value is not None}
    notes = {**raw["metadata"].get("annotations", {}), **patch["metadata"].get("annotations", {})}
    return parse({**raw, "spec": spec, "metadata": {**raw["metadata"], "annotations": notes}})


def tried_again(found: Run) -> Run:
    """Return the run after the requested attempt has ended."""
    begun = found.with_status(transitions.reopen(found, NOW))
    begun = with_attempt(begun)
    return begun.with_status(transitions.end_run(begun, State.SUCCEEDED, Reason.COMPLETED, "", NOW))


def test_a_retry_raises_the_context_version_and_sets_the_instructions() -> None:
    patch = requests.retry(finished(), key="comment 1", words="use `the` other library")
    assert patch
    assert patch["spec"] == {
        "contextVersion": 2,
        "promptModification": "use `the` other library",
        "promptMode": "append",
        "cancel": None,
    }


def test_a_retry_without_instructions_removes_earlier_ones() -> None:
    patch = requests.retry(finished(spec={"promptModification": "the old words"}))
    assert patch
    assert patch["spec"]["promptModification"] is None
    assert patch["spec"]["promptMode"] is None


def test_a_cancelled_run_can_be_retried() -> None:
    found = finished(to=State.CANCELLED, spec={"cancel": True})
    patch = requests.retry(found)
    assert patch
    assert not patched(found, patch).cancel


def test_a_request_patch_names_the_resource_version_it_was_made_from() -> None:
    found = finished()
    patch, stop = requests.retry(found), requests.cancel(run())
    assert patch
    assert stop
    assert patch["metadata"]["resourceVersion"] == found.resource_version
    assert stop["metadata"]["resourceVersion"] == run().resource_version


def test_a_retry_skips_a_context_version_that_was_refused() -> None:
    found = finished()
    refused = found.with_status(found.status.model_copy(update={"context_version": 5}))
    patch = requests.retry(refused)
    assert patch
    assert patch["spec"]["contextVersion"] == 6


def test_a_request_with_a_key_already_applied_makes_no_patch() -> None:
    found = finished()
    first = requests.retry(found, key="comment 1")
    assert first
    after = patched(found, first)
    assert requests.retry(after, key="comment 1") is None
    assert requests.retry(tried_again(after), key="comment 1") is None
    assert requests.retry(tried_again(after), key="comment 2")


def test_a_retry_that_has_not_begun_can_be_cancelled_and_requested_again() -> None:
    first = requests.retry(finished(to=State.SUCCEEDED), key="comment 1", words="the wrong way")
    assert first
    waiting = patched(finished(to=State.SUCCEEDED), first)
    stop = requests.cancel(waiting, key="comment 2")
    assert stop
    assert stop["spec"] == {"cancel": True}
    stopped = patched(waiting, stop)
    with pytest.raises(requests.RequestRefused, match="was cancelled"):
        requests.automatic_retry(stopped, key="check", words="", most=9)
    second = requests.retry(stopped, key="comment 3", words="the right way")
    assert second
    assert second["spec"] == {
        "contextVersion": 3,
        "promptModification": "the right way",
        "promptMode": "append",
        "cancel": None,
    }


def test_the_last_20_request_keys_are_kept() -> None:
    found = finished()
    for number in range(requests.KEPT + 1):
        patch = requests.retry(found, key=f"comment {number}")
        assert patch
        found = tried_again(patched(found, patch))
    assert requests.retry(found, key="comment 0")
    assert requests.retry(found, key="comment 1") is None


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (run(), "wait for its end, or cancel it"),
        (finished("DocsRun"), "submit it again"),
        (replace(finished(), deleting=True), "is being deleted"),
        (finished(spec={"taskId": 0}), "taskId"),
    ],
)
def test_an_impossible_retry_is_refused_and_says_what_to_do(found: Run, why: str) -> None:
    with pytest.raises(requests.RequestRefused, match=why):
        requests.retry(found)


def test_feedback_retries_a_run_up_to_the_limit() -> None:
    found = finished()
    for number in range(2):
        patch = requests.automatic_retry(found, key=f"check {number}", words="it failed", most=2)
        assert patch
        assert patch["spec"]["promptModification"] == "it failed"
        assert patch["metadata"]["resourceVersion"] == found.resource_version
        found = patched(found, patch)
        assert requests.automatic_retry(found, key=f"check {number}", words="it failed", most=2) is None
        with pytest.raises(requests.RequestRefused, match="has not begun"):
            requests.automatic_retry(found, key="another check", words="it failed too", most=2)
        found = tried_again(found)
    with pytest.raises(requests.RequestRefused, match="2 times, which is the limit"):
        requests.automatic_retry(found, key="check 2", words="it failed", most=2)
    assert requests.retry(found, key="a person")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (finished(to=State.CANCELLED, spec={"cancel": True}), "was cancelled"),
        (run(), "is not finished"),
        (finished("DocsRun"), "only automatically"),
    ],
)
def test_an_automatic_retry_of_a_cancelled_open_or_docs_run_is_refused(found: Run, why: str) -> None:
    with pytest.raises(requests.RequestRefused, match=why):
        requests.automatic_retry(found, key="check", words="", most=9)


@pytest.mark.parametrize(("state", "over"), [("Open", False), ("Merged", True), ("Closed", True)])
def test_feedback_on_a_merged_or_closed_pull_request_starts_no_retry(state: pull_request.State, over: bool) -> None:
    found = finished(to=State.SUCCEEDED)
    found = found.with_status(pull_request.set_pull_request(found.status, "https://pull/1", state, 1, NOW))
    assert pull_request.is_closed(found.status) == over
    if over:
        with pytest.raises(requests.RequestRefused, match="merged or closed"):
            requests.automatic_retry(found, key="check", words="", most=9)
    else:
        assert requests.automatic_retry(found, key="check", words="", most=9)


def test_a_pull_request_is_recorded_beside_the_conditions_of_its_run() -> None:
    status = finished().status
    opened = pull_request.set_pull_request(status, "https://pull/1", "Open", 1, NOW)
    assert opened.conditions[:-1] == status.conditions
    assert opened.pull_request_url == "https://pull/1"
    assert pull_request.set_pull_request(opened, "https://pull/1", "Open", 2, NOW + timedelta(hours=1)) is opened
    closed = pull_request.set_pull_request(opened, "https://pull/1", "Closed", 1, NOW + timedelta(hours=1))
    assert closed.conditions[-1].last_transition_time == NOW  # the condition's status stays False
    merged = pull_request.set_pull_request(closed, "https://pull/1", "Merged", 1, NOW + timedelta(hours=2))
    assert merged.conditions[-1].last_transition_time == NOW + timedelta(hours=2)
    assert pull_request.set_pull_request(opened, "https://pull/2", "Open", 1, NOW) is opened
    assert pull_request.set_pull_request(closed, "https://pull/2", "Merged", 1, NOW) is closed
    assert pull_request.set_pull_request(closed, "https://pull/2", "Open", 1, NOW).pull_request_url == "https://pull/2"


def test_an_unfinished_run_is_cancelled_once() -> None:
    patch = requests.cancel(run())
    assert patch
    assert patch["spec"] == {"cancel": True}
    assert requests.cancel(patched(run(), patch)) is None


def test_a_run_that_waits_for_a_fix_can_be_retried_before_its_pause_ends() -> None:
    begun = with_attempt(run())
    stuck = begun.with_status(transitions.pending(begun, Reason.IMAGE_PULL_FAILED, "no such image", NOW))
    with pytest.raises(requests.RequestRefused, match="is not finished"):
        requests.retry(stuck)  # the kubelet tries by itself
    waits = run().with_status(transitions.wait(run(), Reason.MISSING_SECRET, "no key", NOW, NOW))
    patch = requests.retry(waits)
    assert patch
    assert patch["spec"]["contextVersion"] == 2
    with pytest.raises(requests.RequestRefused, match="is not finished"):
        requests.retry(run(spec={"cancel": True}).with_status(waits.status))


@pytest.mark.parametrize(("found", "why"), [(finished(), "nothing to stop"), (replace(run(), deleting=True), "being")])
def test_an_impossible_cancel_explains_why(found: Run, why: str) -> None:
    with pytest.raises(requests.RequestRefused, match=why):
        requests.cancel(found)


def test_the_origin_of_a_run_is_kept_in_its_annotations() -> None:
    asked = origin.Origin("acme/shop", 3, "octocat", "https://github.com/acme/shop/issues/3#issuecomment-1")
    raw = {"metadata": {"annotations": origin.to_annotations(asked)}}
    assert origin.from_object(raw) == asked


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"repository": "a/b", "number": 1, "other": 2}'])
def test_an_unreadable_origin_is_ignored(text: str | None) -> None:
    notes = {} if text is None else {origin.ORIGIN: text}
    assert origin.from_object({"metadata": {"annotations": notes}}) is None
