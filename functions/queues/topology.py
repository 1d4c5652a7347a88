"""The topology of the queue, defined once for every back end.

    topic             published by                 pushed to
    KIND-requested    anyone                       submit_KIND, for docs and for code
    github            github_webhook               github_event
    runs              the watch bridge             reconcile, report
    jobs              the watch bridge             job_finished
    lifecycle         report                       external subscribers
    sweep             schedules: a minute, an hour sweep
                      sweep, out of time           sweep

Every topic T has a topic T-dead for its dead letters, with a pull subscription of the same name: without one Pub/Sub
would lose them. Nothing is ordered: a rejected event would block later ones of its key, and handlers decide from the
present state. Nothing is filtered: functions ignore events of other types.
"""

from collections.abc import Mapping

from functions.events.event import RETENTION_DUE, SWEEP_DUE
from functions.queues.queue_model import DeadLetterPolicy, Identity, RetryPolicy, Schedule, Subscription, Topology
from functions.queues.topics import ACK_DEADLINE, GITHUB, LIFECYCLE
from functions.runs.model.kinds import RunKind

TOPIC_OF_FUNCTION: Mapping[str, str] = {
    **{kind.function: f"{kind.word}-requested" for kind in RunKind},
    "github_event": GITHUB,
    "reconcile": "runs",
    "report": "runs",
    "job_finished": "jobs",
    "sweep": "sweep",
}
"""The topic that is pushed to each function, by its target in functions/main.py."""

FUNCTIONS = tuple(TOPIC_OF_FUNCTION)

TOPICS = tuple(dict.fromkeys((*TOPIC_OF_FUNCTION.values(), LIFECYCLE)))

TOPIC_OF_KIND: Mapping[str, str] = {**dict.fromkeys(RunKind, "runs"), "Job": "jobs"}
"""The topic for the changes of each watched kind."""

MAX_DELIVERY_ATTEMPTS = 20
"""Deliveries before a message is a dead letter: about ten minutes of a function being down, with RETRY.

Pub/Sub takes 5 to 100 (Pub/Sub: Dead-letter topics).
"""

MAX_DELIVERY_ATTEMPTS_OF: Mapping[str, int] = {"github_event": 100}
"""Exceptions: GitHub's rate limit lasts up to an hour, and GitHub does not repeat a delivery the webhook accepted."""

RETRY = RetryPolicy(minimum_backoff=0.5, maximum_backoff=60.0)
HOUR = 3600.0
"""Seconds between two retention passes; what they delete is days old."""


def dead_letter_topic(topic: str) -> str:
    """Return the topic of the dead letters of `topic`."""
    return f"{topic}-dead"


def subscription_name(function: str) -> str:
    """Return the name of the subscription that pushes to a function."""
    return f"{TOPIC_OF_FUNCTION[function]}-{function.replace('_', '-')}"


def topology(
    endpoints: Mapping[str, str],
    sweep_seconds: float | None = None,
    *,
    identity: Identity | None = None,
    wrapped: bool = False,
) -> Topology:
    """Return the queue for the functions at these URLs, by target; without `sweep_seconds` it has no schedules."""
    return Topology(
        topics=tuple(name for topic in TOPICS for name in (topic, dead_letter_topic(topic))),
        subscriptions=tuple(_subscription(each, url, identity, wrapped) for each, url in endpoints.items()),
        dead_letter_topics=tuple(dead_letter_topic(topic) for topic in TOPICS),
        schedules=() if sweep_seconds is None else _schedules(sweep_seconds),
    )


def _schedules(sweep_seconds: float) -> tuple[Schedule, ...]:
    return (Schedule("sweep", sweep_seconds, SWEEP_DUE), Schedule("sweep", HOUR, RETENTION_DUE))


def _subscription(function: str, endpoint: str, identity: Identity | None, wrapped: bool) -> Subscription:
    topic = TOPIC_OF_FUNCTION[function]
    attempts = MAX_DELIVERY_ATTEMPTS_OF.get(function, MAX_DELIVERY_ATTEMPTS)
    return Subscription(
        name=subscription_name(function),
        topic=topic,
        push_endpoint=endpoint,
        dead_letter=DeadLetterPolicy(dead_letter_topic(topic), attempts),
        retry=RETRY,
        ack_deadline=ACK_DEADLINE,
        wrapped=wrapped,
        identity=identity,
    )
