"""Admission of pending runs under every limit.

| limit        | shared by                              | not affected               |
|--------------|----------------------------------------|----------------------------|
| runs         | all; 0 pauses                          |                            |
| per_service  | code runs of the service               | docs runs                  |
| per_agent    | runs of the agent or GitHub user, in   | other agents               |
|              | any case of the login                  |                            |
| exclusive    | the workspace; the docs directory      | another branch             |

Runs are admitted by priority, then age, then uid. A run blocked by its own service or workspace blocks no other run.
"""

from dataclasses import replace
from typing import Any

import pytest

from functions.runs.admission.capacity import Reservation, capacity_keys, reservation
from functions.runs.admission.cycle import AdmissionCycle
from functions.runs.admission.ledger import Ledger
from functions.runs.admission.pending_queue import is_admissible
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.states import State
from functions.runs.lifecycle.verdict import Verdict
from functions.runs.model.limits import NO_LIMITS, Limits
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle
from tests.support.builders import NOW, run, with_attempt
from tests.unit.waiting import code, uid_of

ONE = Limits(runs=1)


def user(login: str) -> dict[str, Any]:
    """Return the identity of a run that works as that GitHub user."""
    return {"githubUser": login, "githubApp": None}


def admitted(runs: list[Run], limits: Limits, ledger: Ledger | None = None) -> list[str]:
    cycle = AdmissionCycle(ledger or Ledger(), limits, NOW)
    for each in runs:
        cycle.observe(each)
    return [each.reservation.name for each in cycle.admit_all().admitted]


@pytest.mark.parametrize(
    ("limits", "first", "second", "both"),
    [
        (ONE, code(1), code(2), False),
        (Limits(runs=2), code(1), code(2), True),
        (Limits(runs=0), code(1), code(2), False),
        (Limits(per_service=1), code(1, service="s"), code(2, service="s"), False),
        (Limits(per_service=1), code(1), code(2), True),
        (Limits(per_agent=1), code(1), code(2), False),
        (Limits(per_agent=1), code(1), code(2, githubApp="5DLabs-Tess"), True),
        (Limits(per_agent=1), code(1), run("DocsRun", uid="d", name="d"), True),
        (Limits(per_agent=1), code(1, **user("octocat")), code(2, **user("Octocat")), False),
        (Limits(per_agent=1), code(1, **user("octocat")), code(2, **user("hubot")), True),
        (Limits(exclusive=True), code(1, service="s"), code(2, service="s"), False),
        (Limits(exclusive=True), code(1, service="s"), code(2, service="s", githubApp="5DLabs-Tess"), True),
        (Limits(exclusive=True), run("DocsRun", uid="c", name="c"), run("DocsRun", uid="d", name="d"), False),
        (
            Limits(exclusive=True),
            run("DocsRun", uid="c", name="c"),
            run("DocsRun", {"repositoryUrl": "https://git.example/shop"}, uid="d", name="d"),
            False,
        ),
        (
            Limits(exclusive=True),
            run("DocsRun", uid="c", name="c"),
            run("DocsRun", {"sourceBranch": "other"}, uid="d", name="d"),
            True,
        ),
        *(
            (
                Limits(exclusive=True),
                run("DocsRun", uid="c", name="c"),
                run("DocsRun", same, uid="d", name="d"),
                False,
            )
            for same in (
                {"repositoryUrl": "git@git.example:shop.git"},
                {"repositoryUrl": "ssh://git@Git.Example:22/shop"},
                {"workingDirectory": "./"},
                {"workingDirectory": "docs/.."},
            )
        ),
        (Limits(), code(1, service="s"), code(2, service="s"), True),
    ],
)
def test_limits_admit_two_runs_together_or_one_after_the_other(
    limits: Limits, first: Run, second: Run, both: bool
) -> None:
    assert (len(admitted([first, second], limits)) == 2) is both


def test_runs_are_admitted_by_priority_then_age_then_uid() -> None:
    runs = [
        code(1, age=1, uid="b"),
        code(2, age=1, uid="a"),
        code(3, age=5),
        code(4, age=0, priority=1),
        code(5, age=9, priority=-1),
    ]
    assert admitted(runs, Limits(runs=5)) == ["r4", "r3", "r2", "r1", "r5"]
    assert admitted(runs, Limits(runs=2)) == ["r4", "r3"]


def test_a_run_blocked_by_its_own_workspace_blocks_no_other_run() -> None:
    busy = code(1, service="s")
    busy = with_attempt(busy)
    runs = [busy, code(2, service="s", age=9), code(3)]
    assert admitted(runs, Limits(runs=2, exclusive=True)) == ["r3"]


def test_a_reservation_is_kept_until_its_attempt_has_ended() -> None:
    waiting = code(1)
    given = Ledger({waiting.uid: reservation(waiting)})
    working = replace(waiting, resource_version="8", status=transitions.start(waiting, NOW))
    between = replace(working, resource_version="9", status=_failed(working))
    for seen, kept in ((waiting, True), (working, True), (between, False)):
        cycle = AdmissionCycle(given, ONE, NOW)
        cycle.observe(seen)
        assert (cycle.admit_all().ledger.entries[seen.uid] == given.entries[seen.uid]) is kept


def _failed(working: Run) -> Any:
    *_, last = working.status.attempts
    closed = working.status.model_copy(update={"attempts": [last.model_copy(update={"finished_at": NOW})]})
    return transitions.wait(working.with_status(closed), Reason.RETRYING, "again", NOW, NOW)


def test_a_reservation_is_valid_for_one_version_of_the_run() -> None:
    first = code(1)
    assert Ledger({first.uid: reservation(first)}).is_reserved(first)
    assert not Ledger({first.uid: reservation(first)}).is_reserved(replace(first, resource_version="8"))


def test_a_running_run_without_reservation_gets_one_even_over_the_limit() -> None:
    """The ledger was lost, or limits were set while runs had Jobs."""
    working = [with_attempt(each) for each in (code(1), code(2))]
    cycle = AdmissionCycle(Ledger(), ONE, NOW)
    for each in working:
        cycle.observe(each)
    found = cycle.admit_all()
    assert set(found.ledger.entries) == {uid_of(1), uid_of(2)}
    assert admitted([*working, code(3)], ONE) == []


def test_admitting_one_run_does_not_overtake_older_runs() -> None:
    older, younger = code(1, age=5), code(2)
    cycle = AdmissionCycle(Ledger(), ONE, NOW)
    cycle.observe(older)
    cycle.observe(younger)
    ledger, obstacle = cycle.admit_one(younger)
    assert (dict(ledger.entries), obstacle) == ({}, Obstacle(message="1 runs work (limits.runs)"))
    assert ledger.last_rejected
    ledger, obstacle = cycle.admit_one(older)
    assert (list(ledger.entries), obstacle, ledger.last_rejected) == ([uid_of(1)], None, uid_of(2))


def test_the_reservation_of_a_deleted_run_is_kept_while_its_pods_run() -> None:
    ledger = Ledger({"gone": Reservation("CodeRun", "gone", "1", ("runs",))})
    cycle = AdmissionCycle(ledger, ONE, NOW)
    assert list(cycle.unseen) == ["gone"]
    cycle.keep("gone")
    cycle.observe(code(1))
    assert cycle.admit_all().admitted == []
    assert admitted([code(1)], ONE, ledger) == ["r1"]


@pytest.mark.parametrize(
    ("found", "wants"),
    [
        (code(1), True),
        (code(1, cancel=True), False),
        (code(1, service="Not A Label"), False),
        (run(deletionTimestamp="2026-01-02T03:04:00Z"), False),
        (run(status={"nextAttemptAt": "2026-01-02T03:04:06Z"}), False),
        (run(status={"nextAttemptAt": "2026-01-02T03:04:05Z"}), True),
    ],
)
def test_a_run_is_admissible_unless_cancelled_invalid_deleted_or_not_due(found: Run, wants: bool) -> None:
    assert is_admissible(found, NOW) is wants


def test_a_run_pending_on_a_template_error_is_not_admissible() -> None:
    found = code(1)
    shown = found.with_status(transitions.pending(found, Reason.TEMPLATE_ERROR, "line 3", NOW))
    assert not is_admissible(shown, NOW)
    queued = shown.with_status(transitions.queued(shown, Obstacle(message="waits"), NOW))
    assert is_admissible(queued, NOW)
    assert queued.status.phase == "Queued"


@pytest.mark.parametrize(
    ("limits", "words", "holder"),
    [
        (Limits(runs=0), "paused by the setting limits.runs: 0", None),
        (ONE, "1 runs work (limits.runs)", None),
        (Limits(per_service=1), "1 runs work for service s1 (limits.per_service)", None),
        (Limits(per_agent=1), "1 runs work as agent rex (limits.per_agent)", None),
        (Limits(exclusive=True), "CodeRun r1 works in workspace workspace-s1-rex-2e06e942", "CodeRun r1"),
    ],
)
def test_an_obstacle_names_the_limit_and_its_holder(limits: Limits, words: str, holder: str | None) -> None:
    first = code(1)
    obstacle = Ledger({first.uid: reservation(first)}).obstacle("other", capacity_keys(first), limits)
    assert obstacle == Obstacle(message=words, holder=holder)


def test_a_runs_own_reservation_is_no_obstacle() -> None:
    """The reservation may be of an earlier attempt, or of a version before the last write."""
    first = code(1)
    assert (
        Ledger({first.uid: reservation(first)}).obstacle(first.uid, capacity_keys(first), Limits(1, 1, 1, True)) is None
    )


def test_limits_are_off_only_when_none_is_set() -> None:
    assert not NO_LIMITS.on
    assert all(limits.on for limits in (Limits(runs=0), Limits(exclusive=True), Limits(per_agent=1)))


def test_a_reopened_run_resumes_its_session_after_waiting_in_the_queue() -> None:
    first = code(1)
    working = with_attempt(first)
    gained = transitions.evidence(working, Verdict(True, Reason.COMPLETED, "done"), NOW)
    done = working.with_status(transitions.end_run(working, State.SUCCEEDED, Reason.COMPLETED, "done", NOW, **gained))
    raised = replace(done, spec=code(1, contextVersion=2).spec)
    again = raised.with_status(transitions.reopen(raised, NOW))
    waited = again.with_status(transitions.queued(again, Obstacle(message="waits"), NOW))
    assert transitions.start(waited, NOW).attempts[-1].resumes
