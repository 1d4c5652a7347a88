"""What people ask of a run that is there, as a patch to it: another attempt, or to stop. Pure.

The same request may come twice (GitHub delivers again, one comment comes by two hooks): the keys of those applied
last are kept on the run, in the same write that does what was asked.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Literal

from functions.runs import api_group
from functions.runs.lifecycle import states
from functions.runs.lifecycle.decide import is_final
from functions.runs.model import pull_request
from functions.runs.model.run import Run

APPLIED = api_group.label("applied-requests")
"""Annotation: digests of the keys applied last, oldest first."""

AGAIN = api_group.label("retries-on-feedback")
"""Annotation: how often the run was tried again because of a review or a failed check."""

KEPT = 20
"""Keys kept; a request that comes again does so within days (GitHub redelivers for 3)."""

_DIGEST = re.compile("[0-9a-f]{24}")

Patch = dict[str, Any]


class RequestRefused(Exception):
    """The run cannot do what was asked; the text says why, and what to do instead."""


def retry(
    run: Run, *, key: str = "", words: str | None = None, mode: Literal["append", "replace"] = "append"
) -> Patch | None:
    """The merge patch that asks for another attempt; None where the request with this key was applied before.

    It is for the version of the run that it was made from: on a Conflict, read the run and ask again. `words` are
    what a person adds to the prompt (promptModification); None leaves the prompt of the task alone.

    Raises:
        CannotAsk: a docs run, a run that is not finished, one that is being deleted, or one that was asked for an
            attempt which has not begun: what was said with that would be lost.
    """
    if is_applied(run, key):
        return None
    spec = {
        "contextVersion": max(_retriable_version(run), run.status.context_version or 1) + 1,
        "promptModification": words,
        "promptMode": mode if words else None,
        "cancel": None,
    }
    return _patch(run, spec, key)


def automatic_retry(run: Run, *, key: str, words: str, most: int, more_keys: Sequence[str] = ()) -> Patch | None:
    """As `retry`, but because its work did not please and not because a person said so: `most` times per run.

    Raises:
        CannotAsk: as `retry`; or it was tried again so often already, a person cancelled it, or its pull request is
            merged or closed.
    """
    if is_applied(run, key):
        return None
    if run.cancel or states.state(run.status) is states.State.CANCELLED:
        raise RequestRefused(f"run {run.name} was cancelled; nothing starts it again by itself")
    if pull_request.is_closed(run.status):
        raise RequestRefused(f"the pull request of run {run.name} is merged or closed")
    patch, count = retry(run, key=key, words=words), _count(run)
    if count >= most:
        raise RequestRefused(f"run {run.name} was tried again by itself {count} times, which is as often as it may be")
    if patch:
        keys = [*applied(run), *(digest(each) for each in (key, *more_keys))]
        patch["metadata"]["annotations"] |= {AGAIN: str(count + 1), APPLIED: " ".join(keys[-KEPT:])}
    return patch


def cancel(run: Run, *, key: str = "") -> Patch | None:
    """The merge patch that stops the run; None where the request was applied before, or has no key and nothing to do.

    A key is kept also where the run was asked to stop already: when it comes again, a person may have it retried.
    A finished run that was asked for another attempt is not over: that attempt does not begin then, and the run ends
    as Cancelled, whether or not anybody has looked at it between the retry and the cancel.

    Raises:
        CannotAsk: the run is over, or being deleted.
    """
    if is_applied(run, key) or (run.cancel and not key):
        return None
    if run.cancel:
        return _patch(run, {}, key)
    _stays(run)
    if is_final(run):
        raise RequestRefused(f"run {run.name} is finished already ({run.status.phase}); there is nothing to stop")
    return _patch(run, {"cancel": True}, key)


def is_applied(run: Run, key: str) -> bool:
    """Whether the request with that key was applied to the run; one without a key is never known again."""
    return bool(key) and digest(key) in applied(run)


def applied(run: Run) -> list[str]:
    """Digests of the keys that were applied to the run last, the oldest first; what is none is left out."""
    return [each for each in _annotation(run, APPLIED).split() if _DIGEST.fullmatch(each)][-KEPT:]


def label(digest: str) -> str:
    """The label by which what is left of a deleted run is found by a key that was applied to it."""
    return api_group.label(f"applied-{digest}")


def digest(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def _retriable_version(run: Run) -> int:
    """Return the contextVersion that a retry raises; raise RequestRefused if the run cannot be retried now."""
    _stays(run)
    if not run.kind.is_retriable:
        raise RequestRefused(
            f"run {run.name} is a {run.kind.word} run, which is retried only automatically; submit it again instead"
        )
    if run.spec is None:
        raise RequestRefused(f"the spec of run {run.name} is not valid: {run.spec_error}; submit it again instead")
    if states.state(run.status) not in states.FINISHED:
        raise RequestRefused(
            f"run {run.name} is not finished ({run.status.phase or 'Pending'}); wait for its end, or cancel it"
        )
    if run.retry_wanted and not run.cancel:
        asked = "was asked for another attempt already, which has not begun"
        raise RequestRefused(f"run {run.name} {asked}; wait for its end, or cancel it")
    return run.spec.requested_context_version or 1


def _stays(run: Run) -> None:
    if run.deleting:
        raise RequestRefused(f"run {run.name} is being deleted; submit it again instead")


def _patch(run: Run, spec: Patch, key: str) -> Patch:
    metadata: Patch = {"resourceVersion": run.resource_version}
    if key:
        metadata["annotations"] = {APPLIED: " ".join([*applied(run), digest(key)][-KEPT:])}
    return {"metadata": metadata, "spec": spec}


def _count(run: Run) -> int:
    text = _annotation(run, AGAIN)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _annotation(run: Run, name: str) -> str:
    return str((run.raw["metadata"].get("annotations") or {}).get(name, ""))
