"""The page of all reasons, from their rows."""

from collections.abc import Callable, Iterator

from functions.clients.reference.markdown import GENERATED, code, table
from functions.clients.reference.reason_words import WORDS
from functions.runs.model.reasons import FollowUp, Reason, row

HEAD = f"""# Troubleshooting by reason

{GENERATED}
`orchestrator runs get NAME`, the console and `kubectl describe` show a run's reason, its message and what to do. The
message names what is concerned: a secret, a file, a setting. Once the cause is fixed, `orchestrator runs retry NAME`
tries a code run again that has ended; a docs run is submitted again, with the command that `runs get` shows.
[Operations](operations.md) says what to do where a function or the cluster is down.
"""

PROGRESS = frozenset(
    {Reason.ACCEPTED, Reason.QUEUED, Reason.STARTING, Reason.RETRYING, Reason.RUNNING, Reason.REQUEUED}
)
ENDED = frozenset({Reason.COMPLETED, Reason.NO_CHANGES, Reason.CANCELLED})
OTHER = frozenset({Reason.NOT_FINISHED, Reason.OPEN, Reason.MERGED, Reason.CLOSED})


def page() -> str:
    """Return the page."""
    failures = [reason for reason in Reason if reason not in PROGRESS | ENDED | OTHER]
    parts = [
        HEAD,
        *_section("On its way", "The run is not over.", lambda reason: reason in PROGRESS),
        *_section("Ended well, or by a person", "", lambda reason: reason in ENDED),
    ]
    for follow_up, (title, text) in FAILURES.items():
        chosen = {reason for reason in failures if row(reason).follow_up in follow_up}
        parts += _section(title, text, chosen.__contains__)
    parts += _section("Of other conditions", "", lambda reason: reason in OTHER)
    return "\n".join(parts)


FAILURES = {
    frozenset({FollowUp.WAIT_FOR_FIX}): (
        "Waits for a person",
        "The run tries again with growing pauses until the cause is gone, for the last time when `job.pending_wait` "
        "ends. `orchestrator runs retry NAME` starts the next attempt at once.",
    ),
    frozenset({FollowUp.RESTART, FollowUp.RETRY_FRESH, FollowUp.RETRY_RESUME, FollowUp.RETRY_RESUME_ONCE}): (
        "Tried again by itself",
        "As often as `maxRetries` of the run says. Only the last of them ends the run.",
    ),
    frozenset({FollowUp.FAIL}): (
        "Final",
        "Another attempt would end the same until the cause is fixed.",
    ),
}


def _section(title: str, text: str, chosen: Callable[[Reason], bool]) -> Iterator[str]:
    yield f"## {title}\n"
    if text:
        yield f"{text}\n"
    rows = [(code(reason), WORDS[reason], _remedy(reason)) for reason in Reason if chosen(reason)]
    yield table(("reason", "what happened", "what to do"), rows) + "\n"


def _remedy(reason: Reason) -> str:
    remedy = row(reason).remedy
    return f"{remedy[:1].upper()}{remedy[1:]}." if remedy else ""
