"""Applies the topology to Pub/Sub or its emulator: creates what is missing and updates what differs.

It may be applied any number of times; other topics and subscriptions are left alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from google.api_core.exceptions import NotFound
from google.pubsub_v1.types import Subscription as PubsubSubscription

from functions.queues.backends.pubsub.project import Project, ProjectError, explained
from functions.queues.queue_model import Subscription, Topology

Resource = TypeVar("Resource")

ROLE = "roles/pubsub.editor"
CALL_SECONDS = 20.0

MUTABLE_FIELDS = ("push_config", "ack_deadline_seconds", "retry_policy", "dead_letter_policy", "expiration_policy")
"""Fields of a subscription that can change; its topic and its ordering cannot."""


@dataclass(frozen=True, slots=True)
class TopologyApplier:
    """Applies topologies to one project; with `dry_run` it changes nothing."""

    project: Project
    dry_run: bool = False

    def apply(self, topology: Topology) -> Iterator[str]:
        """Yield what was done, one line for each topic and subscription, as it is done; raise ProjectError."""
        for name in topology.topics:
            yield self._topic(self.project.topic(name))
        used = {subscription.dead_letter.topic for subscription in topology.subscriptions if subscription.dead_letter}
        for name in sorted(used.union(topology.dead_letter_topics)):
            yield self._subscription(dead_letter_subscription(self.project, name))
        for subscription in topology.subscriptions:
            yield self._subscription(push_subscription(self.project, subscription))

    def _topic(self, path: str) -> str:
        if _found(path, lambda: self.project.publisher.get_topic(topic=path, timeout=CALL_SECONDS)):
            return f"topic {_short(path)}: as it should be"
        if not self.dry_run:
            with explained(path, ROLE):
                self.project.publisher.create_topic(name=path, timeout=CALL_SECONDS)
        return f"topic {_short(path)}: {self._done('created')}"

    def _subscription(self, new: dict[str, Any]) -> str:
        path = new["name"]
        old = _found(path, lambda: self.project.subscriber.get_subscription(subscription=path, timeout=CALL_SECONDS))
        if old is None:
            if not self.dry_run:
                with explained(f"{path} (topic {new['topic']})", ROLE):
                    self.project.subscriber.create_subscription(request=new, timeout=CALL_SECONDS)
            return f"subscription {_short(path)}: {self._done('created')}"
        changed = _changed_fields(old, PubsubSubscription(new))
        if not changed:
            return f"subscription {_short(path)}: as it should be"
        if not self.dry_run:
            self._update(new, changed)
        return f"subscription {_short(path)}: {self._done('updated')}: {', '.join(changed)}"

    def _update(self, new: dict[str, Any], fields: list[str]) -> None:
        request = {"subscription": PubsubSubscription(new), "update_mask": {"paths": fields}}
        with explained(new["name"], ROLE):
            self.project.subscriber.update_subscription(request=request, timeout=CALL_SECONDS)

    def _done(self, what: str) -> str:
        return f"would be {what}" if self.dry_run else what


def dead_letter_subscription(project: Project, topic: str) -> dict[str, Any]:
    """Return the pull subscription that keeps the dead letters of `topic` as long as Pub/Sub keeps any message."""
    return {
        "name": project.subscription(topic),
        "topic": project.topic(topic),
        "ack_deadline_seconds": 60,
        "expiration_policy": {},
    }


def push_subscription(project: Project, subscription: Subscription) -> dict[str, Any]:
    """Return the push subscription in Pub/Sub's terms (Pub/Sub: REST resource projects.subscriptions)."""
    push: dict[str, Any] = {"push_endpoint": subscription.push_endpoint}
    if not subscription.wrapped:
        push["no_wrapper"] = {"write_metadata": True}
    if subscription.identity:
        audience = subscription.identity.audience or subscription.push_endpoint
        push["oidc_token"] = {"service_account_email": subscription.identity.service_account, "audience": audience}
    fields: dict[str, Any] = {
        "name": project.subscription(subscription.name),
        "topic": project.topic(subscription.topic),
        "push_config": push,
        "ack_deadline_seconds": int(subscription.ack_deadline),
        "expiration_policy": {},  # never: by default a subscription without traffic is deleted after 31 days
    }
    if (
        not project.emulated
    ):  # with a policy the emulator loses messages that are refused together; without, it waits 1 s
        fields["retry_policy"] = {
            "minimum_backoff": _duration(subscription.retry.minimum_backoff),
            "maximum_backoff": _duration(subscription.retry.maximum_backoff),
        }
    if subscription.dead_letter:
        fields["dead_letter_policy"] = {
            "dead_letter_topic": project.topic(subscription.dead_letter.topic),
            "max_delivery_attempts": subscription.dead_letter.max_delivery_attempts,
        }
    return fields


def _found(path: str, get: Callable[[], Resource]) -> Resource | None:
    """Return what `get` returns; None if it does not exist. Raise ProjectError about `path` for any other error."""
    with explained(path, ROLE):
        try:
            return get()
        except NotFound:
            return None


def _changed_fields(old: PubsubSubscription, new: PubsubSubscription) -> list[str]:
    """Return the mutable fields that differ; raise ProjectError if another one does. No subscription is ordered."""
    if old.topic != new.topic or old.enable_message_ordering:
        raise ProjectError(f"{new.name} has another topic or ordering, which cannot change: delete it, apply again")
    return [field for field in MUTABLE_FIELDS if getattr(old, field) != getattr(new, field)]


def _duration(seconds: float) -> dict[str, int]:
    whole = int(seconds)
    return {"seconds": whole, "nanos": round((seconds - whole) * 1_000_000_000)}


def _short(path: str) -> str:
    return path.rpartition("/")[2]
