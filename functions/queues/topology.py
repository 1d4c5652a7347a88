"""What is connected to what, once: the embedded queue, Pub/Sub and the emulator are all set up from here.

    topic             published by                 pushed to
    docs-requested    anyone                       submit_docs
    code-requested    anyone                       submit_code
    github            github_webhook               github_event
    runs              the watch bridge             reconcile, report
    jobs              the watch bridge             job_finished
    lifecycle         report                       whoever subscribes to it
    sweep             schedules: a minute, an hour sweep
                      sweep, out of time           sweep

Every topic T has a topic T-dead for its dead letters, with a pull subscription of the same name: without one
Pub/Sub would lose them. Nothing is ordered: a refused head would block what follows under its key, and handlers
decide from the present state, whatever came first. Nothing is filtered: functions ignore what is not for them.
"""

from collections.abc import Mapping

from functions.events.event import RETENTION_DUE, SWEEP_DUE
from functions.queues.queue_model import DeadLetterPolicy, Identity, RetryPolicy, Schedule, Subscription, Topology
from functions.queues.topics import ACK_DEADLINE, GITHUB, LIFECYCLE
from functions.runs.model.kinds import RunKind

FED_BY: Mapping[str, str] = {
    "submit_docs": "docs-requested",
    "submit_code": "code-requested",
    "github_event": GITHUB,
    "reconcile": "runs",
    "report": "runs",
    "job_finished": "jobs",
    "sweep": "sweep",
}
"""The topic that is pushed to each function: the targets of functions/main.py."""

FUNCTIONS = tuple(FED_BY)

TOPICS = ("docs-requested", "code-requested", GITHUB, "runs", "jobs", LIFECYCLE, "sweep")

TOPIC_OF: Mapping[str, str] = {**dict.fromkeys(RunKind, "runs"), "Job": "jobs"}
"""The topic that changes of each watched kind are published on."""

ATTEMPTS = 20
"""Deliveries before a message is a dead letter: with this back-off, some ten minutes of a function being down.

Pub/Sub takes 5 to 100 (Pub/Sub: Dead-letter topics).
"""

ATTEMPTS_OF: Mapping[str, int] = {"github_event": 100}
"""More where it takes longer until the function can go on: GitHub's rate limit is for up to an hour, and what the
webhook has taken GitHub does not deliver again.
"""

RETRY = RetryPolicy(minimum_backoff=0.5, maximum_backoff=60.0)
HOUR = 3600.0
"""Seconds between two passes over everything there is; what they delete is days old."""


def dead(topic: str) -> str:
    """The topic of a topic's dead letters."""
    return f"{topic}-dead"


def subscription_name(function: str) -> str:
    """The subscription that feeds a function."""
    return f"{FED_BY[function]}-{function.replace('_', '-')}"


def topology(
    endpoints: Mapping[str, str],
    sweep_seconds: float | None = None,
    *,
    identity: Identity | None = None,
    wrapped: bool = False,
) -> Topology:
    """The queue for the functions at these URLs, which must be known ones; without `sweep_seconds` nobody ticks."""
    return Topology(
        topics=tuple(name for topic in TOPICS for name in (topic, dead(topic))),
        subscriptions=tuple(_subscription(each, url, identity, wrapped) for each, url in endpoints.items()),
        letters=tuple(dead(topic) for topic in TOPICS),
        schedules=() if sweep_seconds is None else _schedules(sweep_seconds),
    )


def _schedules(sweep_seconds: float) -> tuple[Schedule, ...]:
    return (Schedule("sweep", sweep_seconds, SWEEP_DUE), Schedule("sweep", HOUR, RETENTION_DUE))


def _subscription(function: str, endpoint: str, identity: Identity | None, wrapped: bool) -> Subscription:
    return Subscription(
        name=subscription_name(function),
        topic=FED_BY[function],
        push_endpoint=endpoint,
        dead_letter=DeadLetterPolicy(dead(FED_BY[function]), ATTEMPTS_OF.get(function, ATTEMPTS)),
        retry=RETRY,
        ack_deadline=ACK_DEADLINE,
        wrapped=wrapped,
        identity=identity,
    )
