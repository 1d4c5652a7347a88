"""Requests of people on an existing run, as patches to it: another attempt, or to stop. Pure.

The same request may arrive twice (GitHub redelivers, one comment arrives by two hooks): the keys of the requests
applied last are kept on the run, in the same write that applies the request.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Literal

from functions.runs import api_group
from functions.runs.lifecycle import states
from functions.runs.lifecycle.event_filters import is_final
from functions.runs.model import pull_request
from functions.runs.model.run import Run

APPLIED = api_group.label("applied-requests")
"""Annotation: digests of the keys applied last, oldest first."""

FEEDBACK_RETRIES = api_group.label("retries-on-feedback")
"""Annotation: how often the run was retried because of a review or a failed check."""

RETRIED = api_group.label("retried-at")
"""Annotation: when the last retry by a command on GitHub was made, as text that sorts."""

KEPT = 20
"""Keys kept; a request is repeated within days (GitHub redelivers for 3)."""

_DIGEST = re.compile("[0-9a-f]{24}")

Patch = dict[str, Any]


class RequestRefused(Exception):
    """The run cannot do what was requested; the text says why, and what to do instead."""


def retry(
    run: Run,
    *,
    key: str = "",
    words: str | None = None,
    mode: Literal["append", "replace"] = "append",
    more_keys: Sequence[str] = (),
    moment: str = "",
) -> Patch | None:
    """Return the merge patch that requests another attempt; None if the request with this key was applied before.

    It is for the version of the run that it was made from: on a Conflict, read the run and call again. `words` are
    what a person adds to the prompt (promptModification); None leaves the prompt of the task alone. `more_keys` are of
    other requests that this one includes. A request with a key may name its `moment`, as text that sorts.

    Raises:
        RequestRefused: the kind has no retry, or the run is neither finished nor waits for a fix between two attempts,
            is being deleted, or was asked for an attempt that has not begun, whose words would be lost.
    """
    if is_applied(run, key):
        return None
    spec = {
        "contextVersion": max(_retriable_version(run), run.status.context_version or 1) + 1,
        "promptModification": words,
        "promptMode": mode if words else None,
        "cancel": None,
    }
    patch = _patch(run, spec, key, more_keys)
    if moment:
        patch["metadata"]["annotations"] |= {RETRIED: max(moment, _annotation(run, RETRIED))}
    return patch


def automatic_retry(run: Run, *, key: str, words: str, most: int, more_keys: Sequence[str] = ()) -> Patch | None:
    """Return the merge patch of a retry after a review or a failed check, at most `most` times per run.

    Raises:
        RequestRefused: as `retry`; or it was retried that often, a person cancelled it, or its pull request is merged
            or closed.
    """
    if is_applied(run, key):
        return None
    if run.cancel or states.state(run.status) is states.State.CANCELLED:
        raise RequestRefused(f"run {run.name} was cancelled; it is not retried automatically")
    if pull_request.is_closed(run.status):
        raise RequestRefused(f"the pull request of run {run.name} is merged or closed")
    patch, count = retry(run, key=key, words=words, more_keys=more_keys), automatic_retries(run)
    if count >= most:
        times = "once" if count == 1 else f"{count} times"
        raise RequestRefused(f"run {run.name} was retried automatically {times}, which is the limit")
    if patch:
        patch["metadata"]["annotations"] |= {FEEDBACK_RETRIES: str(count + 1)}
    return patch


def cancel(run: Run, *, key: str = "", number: int = 0, moment: str = "") -> Patch | None:
    """Return the merge patch that stops the run; None if it was applied before, or has no key and nothing to do.

    The key is kept also if the run was asked to stop before: by the time it is repeated, a person may have retried the
    run. A finished run that was asked for another attempt is not over: that attempt does not begin, and the run ends as
    Cancelled, whether or not a handler saw it between the retry and the cancel. A request that was written on the issue
    or pull request `number` at `moment` (`cancelled_on`) has a key; the result is None if a retry that was requested
    later has already been applied.

    Raises:
        RequestRefused: the run is over, or being deleted.
    """
    if is_applied(run, key) or (run.cancel and not key) or _is_older(moment, _annotation(run, RETRIED)):
        return None
    if not run.cancel:
        _refuse_if_deleting(run)
        if is_final(run):
            raise RequestRefused(f"run {run.name} is already finished ({run.status.phase}); there is nothing to stop")
    patch = _patch(run, {} if run.cancel else {"cancel": True}, key)
    if moment:
        patch["metadata"]["annotations"] |= {_cancelled_on(number): max(moment, cancelled_on(run, number))}
    return patch


def _is_older(moment: str, other: str) -> bool:
    """Return whether a moment is before another one by their times; what has the same time has no order."""
    return bool(moment) and moment.partition(" ")[0] < other.partition(" ")[0]


def cancelled_on(run: Run, number: int) -> str:
    """Return when the last cancel of the run was written on that issue or pull request, as text that sorts."""
    return _annotation(run, _cancelled_on(number))


def _cancelled_on(number: int) -> str:
    return api_group.label(f"cancelled-on-{number}")


def is_applied(run: Run, key: str) -> bool:
    """Return whether the request with that key was applied to the run; False without a key."""
    return bool(key) and digest(key) in applied(run)


def applied(run: Run) -> list[str]:
    """Return the digests of the keys applied last, the oldest first; other words of the annotation are ignored."""
    return [word for word in _annotation(run, APPLIED).split() if _DIGEST.fullmatch(word)][-KEPT:]


def label(digest: str) -> str:
    """Return the label by which the tombstone of a run is found by a key that was applied to it."""
    return api_group.label(f"applied-{digest}")


def digest(key: str) -> str:
    """Return the digest that is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def _retriable_version(run: Run) -> int:
    """Return the contextVersion that a retry raises; raise RequestRefused if the run cannot be retried now."""
    _refuse_if_deleting(run)
    if not run.kind.is_retriable:
        raise RequestRefused(
            f"run {run.name} is a {run.kind.word} run, which is retried only automatically; submit it again instead"
        )
    if run.spec is None:
        raise RequestRefused(f"the spec of run {run.name} is not valid: {run.spec_error}; submit it again instead")
    may_retry_now = run.status.may_retry_now and not run.cancel
    if states.state(run.status) not in states.FINISHED and not may_retry_now:
        raise RequestRefused(
            f"run {run.name} is not finished ({run.status.phase or 'Pending'}); wait for its end, or cancel it"
        )
    if run.retry_wanted and not run.cancel:
        asked = "was already asked for another attempt, which has not begun"
        raise RequestRefused(f"run {run.name} {asked}; wait for its end, or cancel it")
    return run.spec.requested_context_version or 1


def _refuse_if_deleting(run: Run) -> None:
    if run.deleting:
        raise RequestRefused(f"run {run.name} is being deleted; submit it again instead")


def _patch(run: Run, spec: Patch, key: str, more_keys: Sequence[str] = ()) -> Patch:
    metadata: Patch = {"resourceVersion": run.resource_version}
    if key:
        keys = [*applied(run), *(digest(text) for text in (key, *more_keys))]
        metadata["annotations"] = {APPLIED: " ".join(keys[-KEPT:])}
    return {"metadata": metadata, "spec": spec}


def automatic_retries(run: Run) -> int:
    """Return how often the run was retried because of a review or a failed check."""
    text = _annotation(run, FEEDBACK_RETRIES)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _annotation(run: Run, name: str) -> str:
    return str((run.raw["metadata"].get("annotations") or {}).get(name, ""))
