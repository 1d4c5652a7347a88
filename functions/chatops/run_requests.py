"""What people ask of a run that is there: the run is found by where they ask, and asked in one write, with the key.

Who is second, or comes again, finds the key on the run and does nothing (runs/requests.py).
"""

import logging
from collections.abc import Callable, Iterator, Sequence

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import CONFIG_MAP, RUNS
from functions.github.webhook.branches import run_name
from functions.github.webhook.event import PullRequest
from functions.manifests.tombstone import TOMBSTONE
from functions.reconciler.actions import write_status
from functions.reconciler.reconciler import STEPS, read
from functions.runs import requests
from functions.runs.model import naming, origin, pull_request
from functions.runs.model.run import Run, parse
from functions.runs.model.status import rfc3339
from functions.runs.requests import Patch, RequestRefused
from functions.serving.dependencies import Dependencies
from functions.telemetry.context import bind
from functions.templating.variables import on_github

log = logging.getLogger("orchestrator")

PatchBuilder = Callable[[Run], Patch | None]


def apply(services: Dependencies, run: Run, ask: PatchBuilder) -> bool:
    """Whether the run was asked now; False where it was before.

    Raises:
        CannotAsk: it cannot be, or is gone.
        ClusterError: it may have been; the same call later finds out.
    """
    bind(run=run.key, kind=run.kind)
    try:
        for _ in range(STEPS):
            patch = ask(run)
            if patch is None:
                return False
            try:
                services.cluster.patch(RUNS[run.kind], run.namespace, run.name, patch)
                return True
            except Conflict:
                run = read(services, run.kind, run.namespace, run.name)
    except NotFound:
        raise RequestRefused(f"run {run.name} was deleted meanwhile; submit it again instead") from None
    raise Conflict(f"run {run.key} did not settle in {STEPS} steps; it is asked again with the next delivery")


def find_by_branch(services: Dependencies, repository: str, repository_id: int, branch: str) -> Run | None:
    """The run that commits on that branch of that repository. Raises a ClusterError."""
    name = run_name(branch)
    for run in _named(services, name) if name else ():
        if naming.branch(run.name, run.uid) == branch and _works_in(services, run, repository, repository_id):
            return run
    return None


def list_by_issue(services: Dependencies, repository_id: int, number: int) -> list[Run]:
    """The runs that were asked for on that issue or pull request. Raises a ClusterError."""
    ((label, value),) = origin.labels(repository_id, number).items()
    return [
        parse(raw)
        for kind in RUNS.values()
        for raw in services.cluster.list(kind, services.settings.namespace, f"{label}={value}")
    ]


def latest_before(runs: Sequence[Run], before: str) -> Run | None:
    """The last one that was asked for before that moment (Ask.moment), whenever it was made; empty: of all."""
    found = [run for run in runs if not before or _moment(run) < before]
    return max(found, key=lambda run: (_moment(run), run.uid), default=None)


def was_applied_to_deleted_run(services: Dependencies, key: str) -> bool:
    """Whether the request with that key was applied to a run that was deleted since. Raises a ClusterError."""
    label = requests.label(requests.digest(key))
    return any(services.cluster.list(CONFIG_MAP, services.settings.namespace, f"{TOMBSTONE},{label}"))


def record_pull_request(services: Dependencies, run: Run, pull: PullRequest, state: pull_request.State) -> None:
    """Records where the run's pull request is, and what became of it. Raises a ClusterError."""
    try:
        for _ in range(STEPS):
            status = pull_request.set_pull_request(run.status, pull.url, state, run.generation, services.clock())
            if status is run.status:
                return
            try:
                write_status(services, run, status)
                log.info("pull request: %s", state, extra={"run": run.key})
                return
            except Conflict:
                run = read(services, run.kind, run.namespace, run.name)
    except NotFound:
        log.info("gone", extra={"run": run.key})
        return
    raise Conflict(f"run {run.key} did not settle in {STEPS} steps; its pull request is noted with the next delivery")


def _moment(run: Run) -> str:
    """When it was asked for; of a run that does not say so, when it was made."""
    asked = origin.from_object(run.raw)
    return (asked and asked.moment) or rfc3339(run.created)


def _named(services: Dependencies, name: str) -> Iterator[Run]:
    for kind in RUNS:
        try:
            yield read(services, kind, services.settings.namespace, name)
        except NotFound:
            continue


def _works_in(services: Dependencies, run: Run, repository: str, repository_id: int) -> bool:
    """Somebody who may write to another repository can make a branch of the same name there."""
    asked = origin.from_object(run.raw)
    if asked and asked.repository_id:
        return asked.repository_id == repository_id
    url = run.spec.repository_url if run.spec else ""
    return on_github(url, services.settings.github.host).lower() == repository.lower()
