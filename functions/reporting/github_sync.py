"""Tells GitHub of a run: pull request, sticky comment, check run; and why nothing of the run waits for that.

A run comes to its end, frees its place and is marked as finished by what its status says alone. What GitHub was told
is noted apart (runs/github_sync_state.py), and whoever comes by compares: the event of each change, the sweep each
minute for runs not marked as finished, and the hourly pass for those that are. So GitHub may be down for a day, and
is told afterwards, for as long as the run is kept.

    claim    the run, at the version that was read, so that one tells at a time; the others come again later     tell
pull request first (its URL goes into the status), then comment, then check run     note     what was told, at the
version of the claim; where the run has moved on, it is told again first

Where GitHub is busy, or too slow for one event, the claim becomes a rest, for as long as GitHub said, with a note of
what was told until then; the event comes again after it, and what is left is told. The events that these writes make
themselves are acknowledged at once, as long as the event they were made for may come again: else each failure would
breed more events. What GitHub will never take (a locked conversation, an App that is not installed) is logged once,
with what to do, and taken as told until the run changes.

A claim is over before somebody else makes the next, and nothing is written to GitHub after that. A process that
stands still between that look at the clock and its call may still write late what was so before: whoever finds its
claim gone has all of it told again.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from functions.cluster.errors import ClusterError, Conflict, NotFound
from functions.github.api.errors import Busy
from functions.github.api.lease_guard import LeaseExpired
from functions.queues.topics import ACK_DEADLINE
from functions.reporting.github_writer import Telling, works_in
from functions.runs import github_sync_state
from functions.runs.lifecycle_events import LATE
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies

if TYPE_CHECKING:
    from functions.github.api.client import Github  # needs what only those have who call GitHub

log = logging.getLogger("orchestrator")

PATIENCE = timedelta(seconds=ACK_DEADLINE / 4)
"""How long GitHub may take for what is told in one go: a pass that is nearly out of time has a little longer."""

CLOSING = timedelta(seconds=10)
"""How long GitHub may keep a deletion waiting: a sweep that is nearly out of time has twice as long for one run."""

STEPS = 5
"""Most changes of a run that are told of in one go."""


def due(services: Dependencies, run: Run) -> bool:
    """Whether GitHub is to be told something of the run."""
    return services.github is not None and github_sync_state.needs_sync(run, bool(works_in(services, run)))


def late(services: Dependencies, run: Run) -> bool:
    """Whether it is, although there was time to, and nobody is at it."""
    now, since = services.clock(), run.status.last_update
    return (
        due(services, run)
        and (since is None or now - since >= LATE)
        and not github_sync_state.lease_seconds_left(run.raw, now)
    )


def news(services: Dependencies, run: Run) -> bool:
    """Whether the event that shows the run so is a reason to tell."""
    return due(services, run) and not github_sync_state.covered_by_redelivery(run.raw, services.clock())


def tell(services: Dependencies, run: Run) -> None:
    """Tells GitHub what is so of the run, as just read, and notes it.

    Raises:
        Busy: GitHub could not be reached, or somebody else tells; the same call later goes on from there.
        ClusterError: it may be told and not noted; it will be looked at once more.
    """
    assert services.github, "asked by the caller"
    mine, github = "", services.github.until(services.clock() + PATIENCE)
    for _ in range(STEPS):
        if not mine and not due(services, run):
            return
        _wait_for_others(services, run, mine)
        try:
            run = _patched(services, run, github_sync_state.acquire(run, services.clock()))
            mine = github_sync_state.lease(run.raw)
            _told(services, github, run)
            return
        except (Conflict, LeaseExpired):
            again = _read(services, run)
        except NotFound:
            again = None
        if again is None or again.deleting:  # the comment may say now what was so before
            close(services, again or run)
            return
        run = again
        if mine and github_sync_state.lease(run.raw) != mine:
            run, mine = _patched(services, run, github_sync_state.invalidate()), ""
    raise Conflict(f"run {run.key} did not settle in {STEPS} steps; GitHub is told with the next event")


def close(services: Dependencies, run: Run) -> None:
    """Says on GitHub that the run is deleted, in one try: nobody waits for it longer, and nobody comes back to it.

    Raises nothing that GitHub does.
    """
    if services.github and github_sync_state.ever_synced(run.raw):
        in_time = services.github.until(services.clock() + CLOSING)
        Telling(services, in_time, replace(run, deleting=True), None).everything()


def _wait_for_others(services: Dependencies, run: Run, mine: str) -> None:
    """Raises Busy while somebody else tells, or rests."""
    seconds = github_sync_state.lease_seconds_left(run.raw, services.clock())
    if seconds and github_sync_state.lease(run.raw) != mine:
        raise Busy("GitHub is being told already, or left alone for a while", seconds)


def _told(services: Dependencies, github: "Github", run: Run) -> None:
    """Tells, under the claim that the run carries. Raises Conflict where the run has moved on, else as `tell`."""
    until = datetime.fromisoformat(github_sync_state.lease(run.raw))
    attempt = Telling(services, github, run, until)
    try:
        told = attempt.everything()
    except Busy as busy:
        _rest(services, attempt, busy)
        raise
    _patched(services, attempt.run, github_sync_state.release(attempt.run, told))
    log.info("GitHub was told", extra={"run": run.key, "attempt": run.status.attempt})


def _rest(services: Dependencies, attempt: Telling, busy: Busy) -> None:
    """Leaves GitHub alone for a while; a claim that cannot be turned into a rest is over soon by itself.

    Raises Conflict where the run has moved on, or somebody else tells and may not know of what was written late, and
    NotFound where it is gone.
    """
    run = attempt.run
    try:
        _patched(services, run, github_sync_state.back_off(run, services.clock(), busy.retry_after, attempt.so_far))
    except (Conflict, NotFound):
        raise
    except ClusterError as error:
        log.info("no rest was noted: %s", error, extra={"run": run.key})


def _read(services: Dependencies, run: Run) -> Run | None:
    try:
        found = services.runs.reread(run)
    except NotFound:
        return None
    return found if found.uid == run.uid else None


def _patched(services: Dependencies, run: Run, patch: github_sync_state.Patch) -> Run:
    return services.runs.patch(run, patch)
