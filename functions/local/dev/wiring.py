"""Which topic feeds which function, and how a delivery that fails is tried again."""

from collections.abc import Mapping

from functions.cluster.kinds import CODE_RUN, DOCS_RUN, JOB, Kind
from functions.events.event import SWEEP_DUE
from functions.local.queue import DeadLetterPolicy, RetryPolicy, Schedule, Subscription, Topology

FUNCTIONS = ("submit_docs", "submit_code", "reconcile", "job_finished", "sweep")
"""Targets of functions/main.py."""

FED_BY = {
    "submit_docs": "docs-requested",
    "submit_code": "code-requested",
    "reconcile": "runs",
    "job_finished": "jobs",
    "sweep": "sweep",
}
"""The topic that is pushed to each function."""

WATCHED: Mapping[Kind, str] = {DOCS_RUN: "runs", CODE_RUN: "runs", JOB: "jobs"}
"""The topic that changes of each kind are published on."""

ATTEMPTS = 20
"""Deliveries before a message is a dead letter: with this back-off, some ten minutes of a function being down."""

RETRY = RetryPolicy(minimum_backoff=0.5, maximum_backoff=60.0)
ACK_DEADLINE = 60.0
"""Seconds; a handler makes some ten API calls of at most 10 s, nearly always of milliseconds."""


def topology(endpoints: Mapping[str, str], sweep_seconds: float) -> Topology:
    """The queue for functions at these URLs."""
    topics = [name for topic in FED_BY.values() for name in (topic, f"{topic}-dead")]
    return Topology(
        topics=tuple(topics),
        subscriptions=tuple(_subscription(function, endpoints[function]) for function in FUNCTIONS),
        schedules=(Schedule("sweep", sweep_seconds, SWEEP_DUE),),
    )


def _subscription(function: str, endpoint: str) -> Subscription:
    topic = FED_BY[function]
    return Subscription(
        name=f"{topic}-{function.replace('_', '-')}",
        topic=topic,
        push_endpoint=endpoint,
        dead_letter=DeadLetterPolicy(f"{topic}-dead", ATTEMPTS),
        retry=RETRY,
        ack_deadline=ACK_DEADLINE,
    )
