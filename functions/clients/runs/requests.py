"""Request a retry or cancellation of a run, with patches that are bound to a resource version.

After a conflict the run is read and patched again. A request carries a key, so that a request whose response was lost
is recognised as applied.
"""

import time
import uuid
from collections.abc import Callable
from typing import Literal

from functions.clients.errors import CommandError, as_command_error
from functions.clients.output import Output, write
from functions.clients.runs import lookup
from functions.clients.runs.target import ClusterTarget, explain, user_errors
from functions.cluster.errors import Conflict, Unavailable, WebhookDown
from functions.cluster.kinds import RUNS
from functions.cluster.pod_log import Pause
from functions.runs import requests
from functions.runs.lifecycle.event_filters import is_final
from functions.runs.model.run import Run, parse
from functions.runs.requests import Patch, RequestRefused
from functions.views import details

TRIES = 6
PAUSE = 0.5
"""Seconds before the second try if the cluster, or a webhook of it, did not answer; doubled for each further try."""


def retry(
    target: ClusterTarget, run: Run, words: str | None, *, replace: bool = False, pause: Pause = time.sleep
) -> Run:
    """Request another attempt, with `words` appended to the prompt or replacing it; return the run.

    Raises:
        CommandError: the run cannot be retried, was deleted, or could not be patched.
    """
    key = str(uuid.uuid4())
    mode: Literal["append", "replace"] = "replace" if replace else "append"
    return _ask(target, run, lambda current: requests.retry(current, key=key, words=words, mode=mode), pause)


def cancel(target: ClusterTarget, run: Run, *, pause: Pause = time.sleep) -> Run:
    """Request cancellation; return the run. Does nothing if it was requested before.

    Raises:
        CommandError: the run was deleted or could not be patched.
    """
    return _ask(target, run, requests.cancel, pause)


def context_version(run: Run) -> int | None:
    """Return the run's contextVersion, which each retry by a user increments."""
    return run.spec.requested_context_version if run.spec else None


def confirm(run: Run, done: str, output: Output) -> None:
    """Write what was requested, and how to follow the run, or to read the one that has ended."""
    step = "see how with: orchestrator runs get" if is_final(run) else "follow it with: orchestrator runs watch"
    said = f"{run.kind} {run.name} in {run.namespace} {done}; {step} {run.name}"
    write(output, details.facts(run, None), lambda: said)


def _ask(target: ClusterTarget, run: Run, make_patch: Callable[[Run], Patch | None], pause: Pause) -> Run:
    """Patch the run until the request is recorded in it; return the run."""
    for attempt in range(TRIES):
        with as_command_error(RequestRefused):
            patch = make_patch(run)
        if patch is None:
            return run
        try:
            with user_errors(target, passing=(Conflict, Unavailable, WebhookDown)):
                return parse(target.cluster.patch(RUNS[run.kind], run.namespace, run.name, patch))
        except Conflict:
            pause(0)
        except (Unavailable, WebhookDown) as error:
            if attempt == TRIES - 1:
                raise explain(error, target.namespace) from error
            asked = error.retry_after if isinstance(error, Unavailable) else None
            pause(asked or PAUSE * 2**attempt)
        run = _read(target, run)
    raise CommandError(f"run {run.name} changed each time it was asked; try again")


def _read(target: ClusterTarget, run: Run) -> Run:
    current = lookup.read_again(target, run)
    if current is None:
        raise CommandError(f"run {run.name} was deleted")
    return current
