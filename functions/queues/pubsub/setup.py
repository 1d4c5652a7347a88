"""Sets Pub/Sub, or its emulator, up as the topology says: what is absent is created, what differs is updated.

It may be applied any number of times; what it does not know of is left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from functions.queues.pubsub.project import Project, ProjectError, explained
from functions.queues.queue_model import Subscription, Topology

RIGHT = "roles/pubsub.editor"
CALL_SECONDS = 20.0

FIELDS = ("push_config", "ack_deadline_seconds", "retry_policy", "dead_letter_policy", "expiration_policy")
"""What may change on a subscription that is there; its topic and its ordering cannot."""


@dataclass(frozen=True, slots=True)
class TopologyApplier:
    """Applies topologies to one project; with `dry_run` it only looks."""

    project: Project
    dry_run: bool = False

    def apply(self, topology: Topology) -> Iterator[str]:
        """What was done, one line for each topic and subscription, as it is done. Raises ProjectError."""
        for name in topology.topics:
            yield self._topic(self.project.topic(name))
        used = {each.dead_letter.topic for each in topology.subscriptions if each.dead_letter}
        for name in sorted(used.union(topology.letters)):
            yield self._subscription(letters(self.project, name))
        for each in topology.subscriptions:
            yield self._subscription(wanted(self.project, each))

    def _topic(self, path: str) -> str:
        client = self.project.publisher
        if self._find(path, lambda: client.get_topic(topic=path, timeout=CALL_SECONDS)) is not None:
            return f"topic {_short(path)}: as it should be"
        if not self.dry_run:
            with explained(path, RIGHT):
                client.create_topic(name=path, timeout=CALL_SECONDS)
        return f"topic {_short(path)}: {self._done('created')}"

    def _subscription(self, new: dict[str, Any]) -> str:
        from google.pubsub_v1 import types

        client, path = self.project.subscriber, new["name"]
        old = self._find(path, lambda: client.get_subscription(subscription=path, timeout=CALL_SECONDS))
        if old is None:
            if not self.dry_run:
                with explained(f"{path} (topic {new['topic']})", RIGHT):
                    client.create_subscription(request=new, timeout=CALL_SECONDS)
            return f"subscription {_short(path)}: {self._done('created')}"
        meant = types.Subscription(new)
        if (old.topic, old.enable_message_ordering) != (meant.topic, meant.enable_message_ordering):
            raise ProjectError(f"{path} has another topic or ordering, which cannot be changed: delete it, apply again")
        differ = [field for field in FIELDS if getattr(old, field) != getattr(meant, field)]
        if not differ:
            return f"subscription {_short(path)}: as it should be"
        if not self.dry_run:
            with explained(path, RIGHT):
                request = {"subscription": meant, "update_mask": {"paths": differ}}
                client.update_subscription(request=request, timeout=CALL_SECONDS)
        return f"subscription {_short(path)}: {self._done('updated')}: {', '.join(differ)}"

    def _find(self, path: str, look: Any) -> Any:
        from google.api_core.exceptions import NotFound

        with explained(path, RIGHT):
            try:
                return look()
            except NotFound:
                return None

    def _done(self, what: str) -> str:
        return f"would be {what}" if self.dry_run else what


def letters(project: Project, topic: str) -> dict[str, Any]:
    """The pull subscription that keeps the dead letters of `topic`, for as long as Pub/Sub keeps anything."""
    return {
        "name": project.subscription(topic),
        "topic": project.topic(topic),
        "ack_deadline_seconds": 60,
        "expiration_policy": {},
    }


def wanted(project: Project, subscription: Subscription) -> dict[str, Any]:
    """The push subscription in Pub/Sub's terms (Pub/Sub: REST resource projects.subscriptions)."""
    push: dict[str, Any] = {"push_endpoint": subscription.push_endpoint}
    if not subscription.wrapped:
        push["no_wrapper"] = {"write_metadata": True}
    if subscription.identity:
        audience = subscription.identity.audience or subscription.push_endpoint
        push["oidc_token"] = {"service_account_email": subscription.identity.service_account, "audience": audience}
    found: dict[str, Any] = {
        "name": project.subscription(subscription.name),
        "topic": project.topic(subscription.topic),
        "push_config": push,
        "ack_deadline_seconds": int(subscription.ack_deadline),
        "expiration_policy": {},  # never: by default one without traffic is deleted after 31 days
        "enable_message_ordering": subscription.ordered,
    }
    if not project.emulated:  # with one it forgets some of the messages that are refused together; else it waits 1 s
        found["retry_policy"] = {
            "minimum_backoff": _duration(subscription.retry.minimum_backoff),
            "maximum_backoff": _duration(subscription.retry.maximum_backoff),
        }
    if subscription.dead_letter:
        found["dead_letter_policy"] = {
            "dead_letter_topic": project.topic(subscription.dead_letter.topic),
            "max_delivery_attempts": subscription.dead_letter.max_delivery_attempts,
        }
    return found


def _duration(seconds: float) -> dict[str, int]:
    whole = int(seconds)
    return {"seconds": whole, "nanos": round((seconds - whole) * 1_000_000_000)}


def _short(path: str) -> str:
    return path.rpartition("/")[2]
