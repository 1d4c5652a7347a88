"""The embedded queue: topics and push subscriptions as on Google Pub/Sub, kept in SQLite, for one machine.

A message is on disk before publishing is answered. One that is not acknowledged is delivered again with back-off, and
after its last attempt kept as a dead letter. Delivery is at least once, in no guaranteed order.
"""

from functions.local.queue.app import create_app
from functions.local.queue.queue import Queue, UnknownTopicError
from functions.queues.queue_model import DeadLetterPolicy, RetryPolicy, Schedule, Subscription, Topology

__all__ = [
    "DeadLetterPolicy",
    "Queue",
    "RetryPolicy",
    "Schedule",
    "Subscription",
    "Topology",
    "UnknownTopicError",
    "create_app",
]
