"""Finds runs by where on GitHub they were requested, and applies requests to them.

A request is applied in one write together with its key, so that a second delivery finds the key and does nothing
(runs/requests.py). Functions raise ClusterError, and GithubError where a repository may have been renamed.
"""

import logging
from collections.abc import Callable, Iterator, Sequence

from functions.chatops.feedback_lookup import UNREADABLE
from functions.cluster.errors import NotFound, Unavailable
from functions.cluster.kinds import RUNS
from functions.github.api.errors import NotInstalled
from functions.github.json_fields import dig_number
from functions.github.webhook.branches import run_name
from functions.github.webhook.event import PullRequest
from functions.manifests.tombstone import TOMBSTONE
from functions.runs import requests
from functions.runs.model import naming, origin, pull_request
from functions.runs.model.repository_names import on_github
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339
from functions.runs.requests import Patch, RequestRefused
from functions.serving.dependencies import Dependencies
from functions.telemetry.context import bind

log = logging.getLogger("orchestrator")

PatchBuilder = Callable[[Run], Patch | None]
"""Returns the patch that applies a request; None if it was applied before. May raise RequestRefused."""


def apply(deps: Dependencies, run: Run, build_patch: PatchBuilder) -> bool:
    """Apply a request to the run; return False if it was applied before.

    Raises:
        RequestRefused: the run does not allow it, or is deleted.
        ClusterError: it may have been applied; a repeated call finds out.
    """
    bind(run=run.key, kind=run.kind)

    def patch(run: Run) -> bool:
        wanted = build_patch(run)
        if wanted is None:
            return False
        deps.runs.patch(run, wanted)
        return True

    try:
        return deps.runs.retry_on_conflict(run, patch, "the next delivery applies the request")
    except NotFound:
        raise RequestRefused(f"run {run.name} was deleted meanwhile; submit it again instead") from None


def find_by_branch(deps: Dependencies, repository: str, repository_id: int, branch: str) -> Run | None:
    """Return the run that commits to that branch of that repository; None if there is none. Raises GithubError."""
    name = run_name(branch)
    for run in _list_by_name(deps, name) if name else ():
        if naming.branch(run.name, run.uid) == branch and _works_in(deps, run, repository, repository_id):
            return run
    return None


def list_by_issue(deps: Dependencies, repository_id: int, number: int) -> list[Run]:
    """Return the runs that were requested on that issue or pull request."""
    ((label, value),) = origin.labels(repository_id, number).items()
    return list(deps.runs.list(f"{label}={value}"))


def latest_before(runs: Sequence[Run], sort_key: str) -> Run | None:
    """Return the run that was requested last before `sort_key` (webhook/decisions.py); of all runs if it is empty."""
    earlier = [run for run in runs if not sort_key or requested_at(run) < sort_key]
    return max(earlier, key=lambda run: (requested_at(run), run.uid), default=None)


def was_applied_to_deleted_run(deps: Dependencies, key: str) -> bool:
    """Return whether the request with that key was applied to a run that has been deleted since."""
    label = requests.label(requests.digest(key))
    return deps.config_maps.has_any(f"{TOMBSTONE},{label}")


def record_pull_request(deps: Dependencies, run: Run, pull: PullRequest, state: pull_request.State) -> None:
    """Record URL and state of the run's pull request in its status.

    Raises Unavailable if a newer version wrote the status: a redelivery reaches a function of that version.
    """

    def write(run: Run) -> None:
        if run.status_error:
            raise Unavailable(f"a newer version wrote the status of run {run.key}: {run.status_error}")
        status = pull_request.set_pull_request(run.status, pull.url, state, run.generation, deps.clock())
        if status is not run.status:
            deps.runs.write_status(run, status)
            log.info("pull request: %s", state, extra={"run": run.key})

    try:
        deps.runs.retry_on_conflict(run, write, "the next delivery records its pull request")
    except NotFound:
        log.info("the run was deleted", extra={"run": run.key})


def repository_of(deps: Dependencies, run: Run) -> tuple[str, int]:
    """Return name and id of the repository that the run works in; the id is 0 if GitHub shows none. Raises GithubError.

    A run that was not requested on GitHub knows the name alone, which may be a former one.
    """
    source = origin.from_object(run.raw)
    if source and source.repository_id:
        return source.repository, source.repository_id
    name = on_github(run.spec.repository_url if run.spec else "", deps.settings.github.host)
    try:
        return name, dig_number(deps.github.repository(name).get(""), "id") if name and deps.github else 0
    except (NotInstalled, *UNREADABLE) as error:
        log.info("cannot read the repository: %s", error, extra={"run": run.key})
        return name, 0


def requested_at(run: Run) -> str:
    """Return when the run was requested, as text that sorts; when it was created if that is unknown."""
    source = origin.from_object(run.raw)
    return (source and source.moment) or rfc3339(run.created)


def _list_by_name(deps: Dependencies, name: str) -> Iterator[Run]:
    for kind in RUNS:
        run = deps.runs.find(kind, deps.settings.namespace, name)
        if run:
            yield run


def _works_in(deps: Dependencies, run: Run, repository: str, repository_id: int) -> bool:
    """Return whether the run works in that repository: a branch of the same name can be made in any other one."""
    source = origin.from_object(run.raw)
    if source and source.repository_id:
        return source.repository_id == repository_id
    name = on_github(run.spec.repository_url if run.spec else "", deps.settings.github.host)
    return name.lower() == repository.lower() or repository_of(deps, run)[1] == repository_id
