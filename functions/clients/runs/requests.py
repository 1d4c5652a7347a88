"""Asks something of a run that is there, with patches that are for the version they were made from.

Where somebody changed the run meanwhile it is read and asked again. A request carries a key, so that one whose answer
was lost is found to be applied.
"""

import time
import uuid
from collections.abc import Callable
from typing import Literal

from functions.clients.errors import CommandError, as_command_error
from functions.clients.output import Output, write
from functions.clients.runs import lookup
from functions.clients.runs.podlog import Pause
from functions.clients.runs.target import ClusterTarget, explain, user_errors
from functions.cluster.errors import Conflict, Unavailable
from functions.cluster.kinds import RUNS
from functions.runs import requests
from functions.runs.lifecycle.decide import is_final
from functions.runs.model.run import Run, parse
from functions.runs.requests import Patch, RequestRefused
from functions.views import details

TRIES = 6
PAUSE = 0.5
"""Seconds after the first try that got no answer; doubled for each more."""


def retry(
    place: ClusterTarget, run: Run, words: str | None, *, replace: bool = False, pause: Pause = time.sleep
) -> Run:
    """Another attempt of the run, with `words` added to the prompt or in its place. Raises CommandError."""
    key = str(uuid.uuid4())
    mode: Literal["append", "replace"] = "replace" if replace else "append"
    return _ask(place, run, lambda read: requests.retry(read, key=key, words=words, mode=mode), pause)


def cancel(place: ClusterTarget, run: Run, *, pause: Pause = time.sleep) -> Run:
    """The run, asked to stop; one that was asked to before stays so. Raises CommandError."""
    return _ask(place, run, requests.cancel, pause)


def ended(run: Run) -> bool:
    """Whether the run has ended already, and nobody asked for another attempt since."""
    return is_final(run)


def context_version(run: Run) -> int | None:
    """What the run's attempts are counted under since the last person's retry."""
    return run.spec.requested_context_version if run.spec else None


def confirm(run: Run, done: str, output: Output) -> None:
    """Write what was asked of the run, and how to follow it."""
    watch = f"follow it with: orchestrator runs watch {run.name}"
    write(output, details.facts(run, None), lambda: f"{run.kind} {run.name} in {run.namespace} {done}; {watch}")


def _ask(place: ClusterTarget, run: Run, make: Callable[[Run], Patch | None], pause: Pause) -> Run:
    """The run as it is once what was asked stands in it."""
    for tried in range(TRIES):
        with as_command_error(RequestRefused):
            patch = make(run)
        if patch is None:
            return run
        try:
            with user_errors(place, but=(Conflict, Unavailable)):
                return parse(place.cluster.patch(RUNS[run.kind], run.namespace, run.name, patch))
        except Conflict:
            pause(0)
        except Unavailable as error:
            if tried == TRIES - 1:
                raise explain(error, place.namespace) from error
            pause(error.retry_after or PAUSE * 2**tried)
        run = _read(place, run)
    raise CommandError(f"run {run.name} changed each time it was asked; try again")


def _read(place: ClusterTarget, run: Run) -> Run:
    found = lookup.read_again(place, run)
    if found is None:
        raise CommandError(f"run {run.name} was deleted")
    return found
