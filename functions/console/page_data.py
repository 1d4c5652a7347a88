"""Reads what the pages show. Functions raise ClusterError; what a person may see without it is returned as Partial."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from functions.cluster.client import Object
from functions.cluster.errors import Forbidden, NotFound
from functions.cluster.kinds import CONFIG_MAP, EVENT, POD, RUNS
from functions.console.context import Console
from functions.console.refused import Refused
from functions.runs import api_group
from functions.runs.admission.position import Position, positions
from functions.runs.model.kinds import RunKind
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from functions.views import rows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Partial(Generic[T]):
    """A part of a page, and why it is missing or incomplete; empty if it is not."""

    found: T
    why: str = ""


def runs(console: Console) -> list[Object]:
    """Return the stored runs of both kinds."""
    return [raw for kind in RUNS.values() for raw in console.cluster.list(kind, console.namespace)]


def queue(console: Console, found: list[Object]) -> dict[str, Position]:
    """Return the positions of the queued ones among all runs, by uid."""
    unfinished = (raw for raw in found if api_group.FINISHED not in (raw["metadata"].get("labels") or {}))
    waiting = [parse(raw) for raw in unfinished if rows.reason(raw) == Reason.QUEUED]
    return positions(waiting, console.clock())


def run(console: Console, word: str, name: str) -> Run:
    """Return the run of a kind of work and a name.

    Raises:
        Refused: 404, there is none.
    """
    kind = next((member for member in RunKind if member.word == word), None)
    if kind is None:
        raise Refused(404, f"There is no kind of run {word!r}; it is docs or code.")
    try:
        return parse(console.cluster.get(RUNS[kind], console.namespace, name))
    except NotFound:
        gone = "It never existed, or it was deleted: finished runs are kept for some days."
        raise Refused(404, f"There is no {kind} {name!r} in namespace {console.namespace}. {gone}") from None


def position(console: Console, found: Run) -> Position | None:
    """Return the position of a run in the queue; None, without a call, if it is not queued."""
    if not found.status.succeeded or found.status.succeeded.reason != Reason.QUEUED:
        return None
    unfinished = (
        raw for kind in RUNS.values() for raw in console.cluster.list(kind, console.namespace, f"!{api_group.FINISHED}")
    )
    return positions(map(parse, unfinished), console.clock()).get(found.uid)


def events(console: Console, found: Run, pods: list[Object]) -> Partial[list[Object]]:
    """Return the Kubernetes Events about a run, its current Job and that Job's pods."""
    names = [name for name in (found.status.job_name, *(pod["metadata"]["name"] for pod in pods)) if name]
    fields = [f"involvedObject.uid={found.uid}", *(f"involvedObject.name={name}" for name in names)]
    try:
        return Partial(
            [event for field in fields for event in console.cluster.list(EVENT, found.namespace, fields=field)]
        )
    except Forbidden as error:
        return Partial([], f"Kubernetes Events are not shown: {error}")


def pods(console: Console, found: Run, job_name: str) -> Partial[list[Object]]:
    """Return the pods of an attempt, oldest first."""
    try:
        listed = list(console.cluster.list(POD, found.namespace, f"job-name={job_name}")) if job_name else []
    except Forbidden as error:
        return Partial([], f"The agent's output is not shown: {error}")
    return Partial(sorted(listed, key=lambda pod: pod["metadata"]["creationTimestamp"]))


def task_files(console: Console, found: Run) -> Partial[Mapping[str, str]]:
    """Return the task files of the present attempt, by name."""
    name = found.status.config_map_name
    if not name:
        return Partial({}, "No attempt has begun, so there are no task files yet.")
    try:
        data: Any = console.cluster.get(CONFIG_MAP, found.namespace, name).get("data")
    except NotFound:
        return Partial({}, "The task files were deleted; they are kept for a day after the end of an attempt.")
    except Forbidden as error:
        return Partial({}, f"The task files are not shown: {error}")
    return Partial(data or {})
