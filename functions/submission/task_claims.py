"""Mutual exclusion of runs that have the same task.

To look for other runs and then create one is not enough: two requests that look at one time see no other run. So a
request claims the task in between, with a ConfigMap (manifests/task_claim.py). A request that dies between the claim
and the run continues when it is sent again. Other requests are refused until the claim has expired, and then replace
it: they delete the version that they judged and create their own, so that one of several succeeds.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from functions.cluster.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from functions.cluster.kinds import RUNS
from functions.manifests import task_claim
from functions.runs import api_group
from functions.runs.lifecycle.event_filters import is_final
from functions.runs.model import naming
from functions.runs.model.code_run_spec import TaskDefinition
from functions.runs.model.kinds import RunKind
from functions.runs.model.run import parse
from functions.runs.model.run_spec import RunSpec
from functions.serving.dependencies import Dependencies
from functions.serving.http import Refused
from functions.storage.conflicts import retry_on_conflict

Object = Mapping[str, Any]

MAX_TRIES = 3
"""Looks at a claim that comes and goes. During one request it does so once, when it is released or replaced."""


def has_task(spec: RunSpec) -> bool:
    """Return whether the run works on a task, which at most one unfinished run may do."""
    return spec.task_identity is not None and spec.task_identity.is_exclusive


def of_the_same_task(deps: Dependencies, spec: RunSpec) -> list[Object]:
    """Return the runs of the kind with the same task, tag, service and agent. Raises ClusterError.

    Tasks that are not Task Master's are the same if their URL is.
    """
    selector = ",".join(f"{key}={value}" for key, value in naming.run_labels(spec).items())
    runs = deps.cluster.list(RUNS[spec.kind], deps.settings.namespace, selector)
    agent, url = api_group.label("agent"), spec.task_identity.url if spec.task_identity else ""
    same_agent = (raw for raw in runs if raw["metadata"]["labels"].get(agent) == spec.agent)
    return [raw for raw in same_agent if _tag_and_url(raw) == (spec.task_tag, url)]


def _tag_and_url(raw: Object) -> tuple[Any, Any] | None:
    """Return the tag and the URL of the run's task; None if they cannot be read, as in a spec of older rules."""
    stored = raw.get("spec")
    task = (stored.get("task") or {}) if isinstance(stored, Mapping) else None
    if not (stored and isinstance(task, Mapping)):
        return None
    return stored.get("taskTag"), TaskDefinition.page_identity(task.get("url"))


@contextmanager
def exclusive(
    deps: Dependencies, spec: RunSpec, name: str, others: Sequence[Object], alternative: str = ""
) -> Iterator[None]:
    """Let the block create the run `name` beside `others`, while no other request creates one for the task.

    If `others` contains the run, the block only finds it. If the API server rejects the run, the task is free again.

    Raises:
        Refused: an unfinished run has the task, or is being created; `alternative` is what else the caller may do.
        ClusterError: it is not known whether the task is claimed; the same request may be sent again.
    """
    if any(raw["metadata"]["name"] == name for raw in others):
        yield
        return
    for raw in others:
        if _is_unfinished(raw):
            raise task_taken(spec.kind, raw["metadata"]["name"], alternative)
    earlier = [raw["metadata"]["uid"] for raw in others]
    claim = _acquire(deps, spec.kind, task_claim.of(spec, deps.settings.namespace, earlier, name), alternative)
    try:
        yield
    except (Invalid, Forbidden, Refused):
        if claim:
            _release(deps, claim)
        raise


def task_taken(kind: RunKind, name: str, alternative: str = "") -> Refused:
    """Return the refusal of a request whose task the run `name` has."""
    why = f"{kind} {name} is at work on it; wait for it, or cancel it{alternative}"
    return Refused(409, f"an unfinished run has this task: {name}", [("taskId", why)])


def _is_unfinished(raw: Object) -> bool:
    run = parse(raw)
    return run.retry_wanted if run.is_marked_finished else not is_final(run)


def _acquire(deps: Dependencies, kind: RunKind, claim: dict[str, Any], alternative: str) -> Object | None:
    """Return the created claim, or None if the same request created it before. Raises Refused and ClusterError."""
    name = claim["metadata"]["name"]

    def acquire() -> Object | None:
        with suppress(AlreadyExists):
            return deps.config_maps.create(claim)
        existing = deps.config_maps.find(name)
        if existing and not _has_expired(deps, kind, existing):
            _confirm(kind, existing, task_claim.run_of(claim), alternative)
            return None
        if existing:
            _release(deps, existing)
        raise Conflict(f"claim {name} was released or has expired")

    return retry_on_conflict(acquire, f"claim {name}; send the request again", MAX_TRIES)


def _confirm(kind: RunKind, claim: Object, run: str, alternative: str) -> None:
    """Raise Refused if the claim is for another run."""
    if task_claim.run_of(claim) != run:
        raise _being_created(kind, task_claim.run_of(claim), alternative)


def _has_expired(deps: Dependencies, kind: RunKind, claim: Object) -> bool:
    """Return whether the run of the claim will not be created any more, or was deleted since."""
    run = task_claim.run_of(claim)
    if deps.config_maps.find(naming.tombstone(kind, run)):
        return True
    age = deps.clock() - datetime.fromisoformat(claim["metadata"]["creationTimestamp"])
    return age >= task_claim.HOLDS and deps.runs.find(kind, deps.settings.namespace, run) is None


def _release(deps: Dependencies, claim: Object) -> None:
    """Delete this version of the claim, and no later one."""
    with suppress(Conflict, NotFound):
        deps.config_maps.delete(claim)


def _being_created(kind: RunKind, name: str, alternative: str) -> Refused:
    why = f"another request creates {kind} {name} for it; wait for it, cancel it, or retry in a minute{alternative}"
    return Refused(409, f"an unfinished run has this task: {name}", [("taskId", why)])
