"""Logs of a run's attempts: of one attempt, or followed until the run has ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from functions.clients.errors import CommandError
from functions.clients.runs import lookup
from functions.clients.runs.target import ClusterTarget, user_errors
from functions.cluster.client import Object
from functions.cluster.errors import NotFound
from functions.cluster.kinds import POD
from functions.cluster.pod_log import ALL, Pause, PodLog, Portion, started
from functions.runs.lifecycle import states
from functions.runs.model.run import Run
from functions.runs.model.status import Attempt

LOOK_SECONDS = 1.0
"""Seconds between reads of the run while none of its pods is running."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an attempt's log; a `note` is a remark about the log itself."""

    attempt: int
    text: str
    note: bool = False


def attempt(run: Run, number: int | None) -> Attempt:
    """Return the attempt of that number, or the last one.

    Raises:
        CommandError: there is no such attempt.
    """
    attempts = {item.attempt: item for item in run.status.attempts}
    if not attempts:
        raise CommandError(f"run {run.name} has no attempt yet, so no log: {state(run)}; --follow waits for it")
    wanted = max(attempts) if number is None else number
    if wanted not in attempts:
        known = ", ".join(str(item) for item in attempts)
        raise CommandError(f"--attempt: run {run.name} has no attempt {wanted}; there are {known}")
    return attempts[wanted]


def before_last(run: Run) -> int:
    """Return the number of the attempt before the last one.

    Raises:
        CommandError: there are fewer than two attempts.
    """
    numbers = sorted(item.attempt for item in run.status.attempts)
    if len(numbers) < 2:
        raise CommandError(f"--previous: run {run.name} has had {len(numbers) or 'no'} attempt so far")
    return numbers[-2]


def read(target: ClusterTarget, run: Run, wanted: Attempt, portion: Portion = ALL) -> Iterator[Line]:
    """Yield the lines of an attempt's log.

    Raises:
        CommandError: its pod has not started or is gone; the text says how the attempt ended.
    """
    pods = [pod for pod in _pods(target, run, wanted) if started(pod)]
    if not pods:
        raise CommandError(_no_log(run, wanted))
    for pod in pods:
        with user_errors(target):
            yield from _headed(wanted, pod, pods, PodLog(target.cluster, pod, portion=portion).read())


def follow(
    target: ClusterTarget, run: Run, pause: Pause, only: Attempt | None = None, portion: Portion = ALL
) -> Iterator[Line]:
    """Follow the logs from the last attempt on, or of attempt `only`, until the run or that attempt has ended.

    Raises:
        CommandError: the run was deleted, or the cluster rejected a request.
    """
    shown: set[str] = set()
    first = only.attempt if only else run.status.attempt or 1
    last_state = ""
    while True:
        wanted = [attempt for attempt in run.status.attempts if (attempt == only if only else attempt.attempt >= first)]
        finished = states.state(run.status) in states.FINISHED or bool(only and only.finished_at)
        for attempt in wanted:
            yield from _new(target, run, attempt, shown, partial(PodLog, target.cluster, pause=pause, portion=portion))
        if finished:
            return
        if last_state != (last_state := state(run)) and not shown:
            yield Line(run.status.attempt or 0, f"{run.name}: {last_state}", note=True)
        pause(LOOK_SECONDS)
        run, only = _now(target, run, only)


def _now(target: ClusterTarget, run: Run, only: Attempt | None) -> tuple[Run, Attempt | None]:
    """Return the current run and attempt."""
    current = lookup.read_again(target, run)
    if current is None:
        raise CommandError(f"run {run.name} was deleted")
    if only:
        only = next((attempt for attempt in current.status.attempts if attempt.attempt == only.attempt), only)
    return current, only


def _new(
    target: ClusterTarget, run: Run, wanted: Attempt, shown: set[str], open_log: Callable[[Object], PodLog]
) -> Iterator[Line]:
    """Yield the logs of the attempt's pods that were not shown yet."""
    pods = _pods(target, run, wanted)
    for pod in pods:
        if pod["metadata"]["uid"] not in shown and started(pod):
            shown.add(pod["metadata"]["uid"])
            with user_errors(target):
                try:
                    yield from _headed(wanted, pod, pods, open_log(pod).follow())
                except NotFound:
                    yield Line(wanted.attempt, f"pod {pod['metadata']['name']} is gone", note=True)


def _headed(wanted: Attempt, pod: Object, pods: list[Object], lines: Iterator[str]) -> Iterator[Line]:
    if len(pods) > 1:
        yield Line(wanted.attempt, f"pod {pod['metadata']['name']}", note=True)
    yield from (Line(wanted.attempt, text) for text in lines)


def _pods(target: ClusterTarget, run: Run, wanted: Attempt) -> list[Object]:
    """Return the attempt's pods, oldest first."""
    with user_errors(target):
        pods = list(target.cluster.list(POD, run.namespace, f"job-name={wanted.job_name}"))
    return sorted(pods, key=lambda pod: pod["metadata"]["creationTimestamp"])


def _no_log(run: Run, wanted: Attempt) -> str:
    if wanted.finished_at is None:
        return f"the pod of attempt {wanted.attempt} of run {run.name} has not started: {state(run)}; --follow waits"
    known = f"{wanted.reason}: {wanted.message or 'no message'}"
    branch = f"; its work is on branch {run.status.branch}" if run.status.branch else ""
    gone = f"the pod of attempt {wanted.attempt} of run {run.name} is gone, and its log with it"
    return f"{gone}. It ended as {known}{branch}"


def state(run: Run) -> str:
    """Return phase and message of the run in one line."""
    return ": ".join(filter(None, (run.status.phase or "Pending", run.status.message)))
