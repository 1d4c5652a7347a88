"""What people ask of a run that is there: the run is found by where they ask, and asked in one write, with the key.

Who is second, or comes again, finds the key on the run and does nothing (runs/requests.py).
"""

import logging
from collections.abc import Callable, Iterator, Sequence

from functions.cluster.errors import NotFound
from functions.cluster.kinds import RUNS
from functions.github.webhook.branches import run_name
from functions.github.webhook.event import Pull
from functions.manifests.tombstone import TOMBSTONE
from functions.runs import requests
from functions.runs.model import naming, origin, pull_request
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339
from functions.runs.requests import Patch, RequestRefused
from functions.serving.dependencies import Dependencies
from functions.telemetry.context import bind
from functions.templating.variables import on_github

log = logging.getLogger("orchestrator")

Asking = Callable[[Run], Patch | None]


def apply(services: Dependencies, run: Run, ask: Asking) -> bool:
    """Whether the run was asked now; False where it was before.

    Raises:
        CannotAsk: it cannot be, or is gone.
        ClusterError: it may have been; the same call later finds out.
    """
    bind(run=run.key, kind=run.kind)

    def patch(run: Run) -> bool:
        wanted = ask(run)
        if wanted is None:
            return False
        services.runs.patch(run, wanted)
        return True

    try:
        return services.runs.retry_on_conflict(run, patch, "it is asked again with the next delivery")
    except NotFound:
        raise RequestRefused(f"run {run.name} was deleted meanwhile; submit it again instead") from None


def of_branch(services: Dependencies, repository: str, repository_id: int, branch: str) -> Run | None:
    """The run that commits on that branch of that repository. Raises a ClusterError."""
    name = run_name(branch)
    for run in _named(services, name) if name else ():
        if naming.branch(run.name, run.uid) == branch and _works_in(services, run, repository, repository_id):
            return run
    return None


def of_issue(services: Dependencies, repository_id: int, number: int) -> list[Run]:
    """The runs that were asked for on that issue or pull request. Raises a ClusterError."""
    ((label, value),) = origin.labels(repository_id, number).items()
    return list(services.runs.list(f"{label}={value}"))


def latest(runs: Sequence[Run], before: str) -> Run | None:
    """The last one that was asked for before that moment (Ask.moment), whenever it was made; empty: of all."""
    found = [run for run in runs if not before or _moment(run) < before]
    return max(found, key=lambda run: (_moment(run), run.uid), default=None)


def was_asked_of_deleted(services: Dependencies, key: str) -> bool:
    """Whether the request with that key was applied to a run that was deleted since. Raises a ClusterError."""
    label = requests.label(requests.digest(key))
    return services.config_maps.has_any(f"{TOMBSTONE},{label}")


def note_pull_request(services: Dependencies, run: Run, pull: Pull, state: pull_request.State) -> None:
    """Records where the run's pull request is, and what became of it. Raises a ClusterError."""

    def write(run: Run) -> None:
        status = pull_request.set_pull_request(run.status, pull.url, state, run.generation, services.clock())
        if status is not run.status:
            services.runs.write_status(run, status)
            log.info("pull request: %s", state, extra={"run": run.key})

    try:
        services.runs.retry_on_conflict(run, write, "its pull request is noted with the next delivery")
    except NotFound:
        log.info("gone", extra={"run": run.key})


def _moment(run: Run) -> str:
    """When it was asked for; of a run that does not say so, when it was made."""
    asked = origin.from_object(run.raw)
    return (asked and asked.moment) or rfc3339(run.created)


def _named(services: Dependencies, name: str) -> Iterator[Run]:
    for kind in RUNS:
        run = services.runs.find(kind, services.settings.namespace, name)
        if run:
            yield run


def _works_in(services: Dependencies, run: Run, repository: str, repository_id: int) -> bool:
    """Somebody who may write to another repository can make a branch of the same name there."""
    asked = origin.from_object(run.raw)
    if asked and asked.repository_id:
        return asked.repository_id == repository_id
    url = run.spec.repository_url if run.spec else ""
    return on_github(url, services.settings.github.host).lower() == repository.lower()
