"""Records the state of a run's checks on GitHub in its status, for people: nothing else reads it.

An event says only that something changed. What is recorded is what GitHub shows of the branch's last commit, so that
events may come late, twice and in any order. While several checks run, one that passes is counted without a look, as
GitHub limits the requests of an hour; an event that came twice makes that count wrong until the look at the last
checks. The run is read before GitHub and written at that version: of two functions that work at once, the one whose
picture may be older reads both again.
"""

import logging
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from functions.chatops import run_requests
from functions.chatops.feedback_lookup import UNREADABLE, branch_head
from functions.cluster.errors import NotFound
from functions.events.surrogates import replace_lone_surrogates
from functions.github.api.client import Github, Repository
from functions.github.api.errors import Busy, GithubError
from functions.github.json_fields import dig_text
from functions.github.reports.feedback import FAILED_STATES, PASSED_CONCLUSIONS, is_own_check
from functions.github.webhook.decisions import ChecksChanged
from functions.github.webhook.event import WebhookEvent
from functions.runs.github_sync_state import commits
from functions.runs.model.run import Run
from functions.runs.model.status import Checks
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")

MAX_CHECKS = 500
"""Checks and commit statuses of a commit that are counted, of each."""

MAX_NAMES = 10
MAX_NAME_LENGTH = 100
"""Names of failed checks that are kept, and their longest in characters: anyone with write access chooses them."""

States = Iterator[tuple[str, bool | None]]
"""Name of each check, and whether it passed; None while it runs."""


def record_checks(deps: Dependencies, github: Github, event: WebhookEvent, changed: ChecksChanged) -> None:
    """Record the state of the checks if the event is about the last commit of a run's branch.

    Raises Busy and ClusterError; a repeated call continues. Other errors of GitHub are logged.
    """
    run = run_requests.find_by_branch(deps, event.repository, event.repository_id, changed.branch)
    if run is None:
        return
    calls = github.repository(event.repository, event.repository_id)
    try:
        deps.runs.retry_on_conflict(run, _recorder(deps, calls, changed), "the next delivery records its checks")
    except NotFound:
        log.info("the run was deleted", extra={"run": run.key})
    except Busy:
        raise
    except GithubError as error:
        log.info("the checks are not recorded: %s", error, extra={"run": run.key})


def _recorder(deps: Dependencies, calls: Repository, changed: ChecksChanged) -> Callable[[Run], None]:
    def record(run: Run) -> None:
        if run.status_error or run.deleting:
            return
        known = run.status.checks
        checks = _one_more(known, changed) or _look(calls, run, changed)
        if checks and checks != known:
            deps.runs.write_status(run, run.status.model_copy(update={"checks": checks}))

    return record


def _one_more(known: Checks | None, changed: ChecksChanged) -> Checks | None:
    """Return the state after one of several running checks passed; None if GitHub must be asked."""
    if not (known and changed.passed and known.commit == changed.commit and known.running > 2):
        return None
    return known.model_copy(update={"passed": known.passed + 1, "running": known.running - 1})


def _look(calls: Repository, run: Run, changed: ChecksChanged) -> Checks | None:
    """Return the state that GitHub shows; None if the event is not about the last commit. Raises GithubError."""
    if not _is_last(calls, run, changed):
        return None
    return _count(changed.commit, [*_checks(calls, changed.commit), *_statuses(calls, changed.commit)])


def _is_last(calls: Repository, run: Run, changed: ChecksChanged) -> bool:
    """Return whether the event is about the branch's last commit, of a deleted branch about the last attempt's."""
    head = branch_head(calls, changed.branch)
    return changed.commit == head or (not head and changed.commit in commits(run)[-1:])


def _checks(calls: Repository, commit: str) -> States:
    """Yield the checks but our own; GitHub lists the last run of each."""
    for check in islice(calls.pages(f"commits/{commit}/check-runs"), MAX_CHECKS):
        if not is_own_check(check):
            is_over = dig_text(check, "status") == "completed"
            passed = dig_text(check, "conclusion") in PASSED_CONCLUSIONS
            yield dig_text(check, "name"), passed if is_over else None


def _statuses(calls: Repository, commit: str) -> States:
    """Yield the commit statuses; none if the App may not read them. GitHub lists the last one of each context."""
    try:
        for status in islice(calls.pages(f"commits/{commit}/status"), MAX_CHECKS):
            state = dig_text(status, "state")
            yield dig_text(status, "context"), None if state == "pending" else state not in FAILED_STATES
    except UNREADABLE as error:
        log.info("cannot read commit statuses: %s", error)


def _count(commit: str, states: list[tuple[str, Any]]) -> Checks:
    failed = sorted(replace_lone_surrogates(name[:MAX_NAME_LENGTH]) for name, passed in states if passed is False)
    return Checks(
        commit=commit,
        passed=sum(passed is True for _, passed in states),
        failed=len(failed),
        running=sum(passed is None for _, passed in states),
        failures=failed[:MAX_NAMES],
    )
