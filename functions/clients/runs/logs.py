"""The logs of a run's attempts: of one, or of all as they come until the run has ended."""

from collections.abc import Iterator
from dataclasses import dataclass

from functions.clients.errors import CommandError
from functions.clients.runs import lookup
from functions.clients.runs.podlog import Pause, PodLog, started
from functions.clients.runs.target import ClusterTarget, user_errors
from functions.cluster.client import Object
from functions.cluster.errors import NotFound
from functions.cluster.kinds import POD
from functions.runs.lifecycle import states
from functions.runs.model.run import Run
from functions.runs.model.status import Attempt

LOOK_SECONDS = 1.0
"""How often the run is looked at while no pod of it works."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an attempt's log; a `note` is ours, about the log."""

    attempt: int
    text: str
    note: bool = False


def attempt(run: Run, number: int | None) -> Attempt:
    """The attempt of that number, else the last one. Raises CommandError where there is none."""
    kept = {each.attempt: each for each in run.status.attempts}
    if not kept:
        raise CommandError(f"run {run.name} has no attempt yet, so no log: {state(run)}; --follow waits for it")
    wanted = max(kept) if number is None else number
    if wanted not in kept:
        known = ", ".join(str(each) for each in kept)
        raise CommandError(f"--attempt: run {run.name} has no attempt {wanted}; there are {known}")
    return kept[wanted]


def before_last(run: Run) -> int:
    """Number of the attempt before the last one. Raises CommandError where there is none."""
    kept = sorted(each.attempt for each in run.status.attempts)
    if len(kept) < 2:
        raise CommandError(f"--previous: run {run.name} has had {len(kept) or 'no'} attempt so far")
    return kept[-2]


def read(place: ClusterTarget, run: Run, wanted: Attempt) -> Iterator[Line]:
    """What there is of an attempt's log. Raises CommandError where its pod is gone, with what is known."""
    found = [pod for pod in _pods(place, run, wanted) if started(pod)]
    if not found:
        raise CommandError(_no_log(run, wanted))
    for pod in found:
        with user_errors(place):
            yield from _headed(wanted, pod, found, PodLog(place.cluster, pod).read())


def follow(place: ClusterTarget, run: Run, pause: Pause, only: Attempt | None = None) -> Iterator[Line]:
    """The logs of the run's attempts from the last one on, or of `only` that one, until it has ended.

    Raises CommandError: the run was deleted, or the cluster refuses.
    """
    done: set[str] = set()
    first = only.attempt if only else run.status.attempt or 1
    waits = ""
    while True:
        wanted = [each for each in run.status.attempts if (each == only if only else each.attempt >= first)]
        ended = states.state(run.status) in states.FINISHED or bool(only and only.finished_at)
        for each in wanted:
            yield from _new(place, run, each, done, pause)
        if ended:
            return
        if waits != (waits := state(run)) and not done:
            yield Line(run.status.attempt or 0, f"{run.name}: {waits}", note=True)
        pause(LOOK_SECONDS)
        run, only = _now(place, run, only)


def _now(place: ClusterTarget, run: Run, only: Attempt | None) -> tuple[Run, Attempt | None]:
    """The run and the attempt as they are now."""
    again = lookup.read_again(place, run)
    if again is None:
        raise CommandError(f"run {run.name} was deleted")
    if only:
        only = next((each for each in again.status.attempts if each.attempt == only.attempt), only)
    return again, only


def _new(place: ClusterTarget, run: Run, wanted: Attempt, done: set[str], pause: Pause) -> Iterator[Line]:
    """The logs of the attempt's pods that were not shown."""
    pods = _pods(place, run, wanted)
    for pod in pods:
        if pod["metadata"]["uid"] not in done and started(pod):
            done.add(pod["metadata"]["uid"])
            with user_errors(place):
                try:
                    yield from _headed(wanted, pod, pods, PodLog(place.cluster, pod, pause).follow())
                except NotFound:
                    yield Line(wanted.attempt, f"pod {pod['metadata']['name']} is gone", note=True)


def _headed(wanted: Attempt, pod: Object, pods: list[Object], lines: Iterator[str]) -> Iterator[Line]:
    if len(pods) > 1:
        yield Line(wanted.attempt, f"pod {pod['metadata']['name']}", note=True)
    yield from (Line(wanted.attempt, text) for text in lines)


def _pods(place: ClusterTarget, run: Run, wanted: Attempt) -> list[Object]:
    """The attempt's pods, oldest first."""
    with user_errors(place):
        found = list(place.cluster.list(POD, run.namespace, f"job-name={wanted.job_name}"))
    return sorted(found, key=lambda pod: pod["metadata"]["creationTimestamp"])


def _no_log(run: Run, wanted: Attempt) -> str:
    if wanted.finished_at is None:
        return f"the pod of attempt {wanted.attempt} of run {run.name} has not started: {state(run)}; --follow waits"
    known = f"{wanted.reason}: {wanted.message or 'no message'}"
    branch = f"; its work is on branch {run.status.branch}" if run.status.branch else ""
    gone = f"the pod of attempt {wanted.attempt} of run {run.name} is gone, and its log with it"
    return f"{gone}. It ended as {known}{branch}"


def state(run: Run) -> str:
    """Phase and message of the run, in one line."""
    return ": ".join(filter(None, (run.status.phase or "Pending", run.status.message)))
