"""Code runs that are wanted only where no other unfinished one has their task.

To look for others and then to create the run is not enough: two who look at once see nobody. So the task is claimed
in between (manifests/task_claim.py). Whoever dies between the claim and the run goes on from there when the same
request comes again; another request is refused until the claim is old, and takes it over then. It does so by
deleting the version that it judged and creating its own: of two who take it over, one does.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, assert_never

from functions.cluster.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from functions.cluster.kinds import CODE_RUN
from functions.manifests import task_claim
from functions.runs import api_group
from functions.runs.lifecycle.decide import is_final
from functions.runs.model import naming
from functions.runs.model.run import parse
from functions.runs.model.specs import AnySpec, CodeRunSpec, DocsRunSpec
from functions.serving.dependencies import Dependencies
from functions.serving.http import Refused

Object = Mapping[str, Any]

TRIES = 3
"""Looks at a claim that comes and goes; it does so once in a request's time, when it is let go or taken over."""


def has_task(spec: AnySpec) -> bool:
    """Return whether the run works on a task, which at most one unfinished run may do."""
    match spec:
        case DocsRunSpec():
            return False
        case CodeRunSpec():
            return True
        case _:
            assert_never(spec)


def of_the_same_task(services: Dependencies, spec: AnySpec) -> list[Object]:
    """The code runs of the same task, service and agent. Raises a ClusterError."""
    selector = ",".join(f"{key}={value}" for key, value in naming.labels(spec).items())
    found = services.cluster.list(CODE_RUN, services.settings.namespace, selector)
    return [raw for raw in found if raw["metadata"]["labels"].get(api_group.label("agent")) == spec.agent]


@contextmanager
def exclusive(
    services: Dependencies, spec: AnySpec, name: str, others: Sequence[Object], otherwise: str = ""
) -> Iterator[None]:
    """The block makes the run `name`, beside `others`, and nobody else makes one of that task at the same time.

    What the request has made already costs nothing. Where the API server takes no such run, the task is free again.

    Raises:
        Refused: an unfinished run has the task, or is being made; `otherwise` is what else the caller may do.
        ClusterError: whether the task is claimed is not known; the same request may be sent again.
    """
    if any(raw["metadata"]["name"] == name for raw in others):
        yield
        return
    for raw in others:
        if _is_unfinished(raw):
            raise task_taken(raw["metadata"]["name"], otherwise)
    earlier = [raw["metadata"]["uid"] for raw in others]
    mine = _take(services, task_claim.of(spec, services.settings.namespace, earlier, name), otherwise)
    try:
        yield
    except (Invalid, Forbidden, Refused):
        if mine:
            _let_go(services, mine)
        raise


def task_taken(name: str, otherwise: str = "") -> Refused:
    """The refusal of a request whose task that run has."""
    why = f"CodeRun {name} is at work on it; wait for it, or cancel it{otherwise}"
    return Refused(409, f"an unfinished run has this task: {name}", [("taskId", why)])


def _is_unfinished(raw: Object) -> bool:
    run = parse(raw)
    return run.retry_wanted if api_group.FINISHED in run.labels else not is_final(run)


def _take(services: Dependencies, claim: dict[str, Any], otherwise: str) -> Object | None:
    """The claim as it was made; None where the same request made it before. Raises Refused, ClusterError."""
    name, run = claim["metadata"]["name"], task_claim.run_of(claim)
    for _ in range(TRIES):
        with suppress(AlreadyExists):
            return services.config_maps.create(claim)
        found = services.config_maps.find(name)
        if found and _is_void(services, found):
            _let_go(services, found)
        elif found and task_claim.run_of(found) == run:
            return None
        elif found:
            raise _being_made(task_claim.run_of(found), otherwise)
    raise Conflict(f"claim {name} did not settle in {TRIES} tries; send the request again")


def _is_void(services: Dependencies, claim: Object) -> bool:
    """Whether its run will not be made any more, or was deleted since."""
    run = task_claim.run_of(claim)
    if services.config_maps.find(naming.tombstone(CODE_RUN.name, run)):
        return True
    age = services.clock() - datetime.fromisoformat(claim["metadata"]["creationTimestamp"])
    return age >= task_claim.HOLDS and services.runs.find(CODE_RUN.name, services.settings.namespace, run) is None


def _let_go(services: Dependencies, claim: Object) -> None:
    """Deletes that claim, and no later one of its name."""
    with suppress(Conflict, NotFound):
        services.config_maps.delete(claim)


def _being_made(name: str, otherwise: str) -> Refused:
    why = f"another request makes CodeRun {name} for it; wait for it, cancel it, or try again in a minute{otherwise}"
    return Refused(409, f"an unfinished run has this task: {name}", [("taskId", why)])
