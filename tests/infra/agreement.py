"""The agreement of Terraform with the declarations of the code: each difference as a line of text."""

import ast
import base64
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from functions.events.event import MalformedError
from functions.events.receive import receive
from functions.queues.backends.pubsub.project import Project
from functions.queues.backends.pubsub.setup import dead_letter_subscription, push_subscription
from functions.queues.queue_model import Identity, Schedule
from functions.queues.topology import TOPIC_OF_FUNCTION, TOPIC_OF_KIND, topology
from tests.infra import configured
from tests.infra.terraform import State, block
from tests.support.installed import ROOT

CRON = {60.0: r"\* \* \* \* \*", 3600.0: r"\d+ \* \* \* \*"}
PROJECT = Project("acme-agents", "orchestrator-", emulator="none")


def differences(state: State, targets: set[str]) -> list[str]:
    """Return every difference; `targets` are the entry points of functions/main.py."""
    return [
        *_functions(state, targets),
        *_topics(state),
        *_subscriptions(state),
        *_rights_of_the_queue(state),
        *_publishers(state),
        *_schedules(state),
        *configured.differences(state),
    ]


def _compare(noun: str, declared: set[str], made: set[str]) -> Iterator[str]:
    yield from (f"{noun} {name}: the code declares it, Terraform does not make it" for name in sorted(declared - made))
    yield from (f"{noun} {name}: Terraform makes it, the code does not know it" for name in sorted(made - declared))


def _functions(state: State, targets: set[str]) -> Iterator[str]:
    yield from _compare("entry point", targets, set(state.services()))


def _topics(state: State) -> Iterator[str]:
    declared = {PROJECT.topic(name).rpartition("/")[2] for name in topology({}).topics}
    yield from _compare("topic", declared, {each.values["name"] for each in state.of("pubsub_topic")})


def _subscriptions(state: State) -> Iterator[str]:
    urls = {target: each["uri"] for target, each in state.services().items() if target in TOPIC_OF_FUNCTION}
    pusher = Identity(state.one("service_account", "pusher")["email"], "")
    meant = topology({each: urls.get(each, "") for each in TOPIC_OF_FUNCTION}, identity=pusher)
    declared = {
        each["name"].rpartition("/")[2]: each
        for each in (dead_letter_subscription(PROJECT, name) for name in meant.dead_letter_topics)
    }
    declared |= {
        each["name"].rpartition("/")[2]: each
        for each in (push_subscription(PROJECT, each) for each in meant.subscriptions)
    }
    topics = {each.values["id"]: each.values["name"] for each in state.of("pubsub_topic")}
    made = {each.values["name"]: each.values for each in state.of("pubsub_subscription")}
    yield from _compare("subscription", set(declared), set(made))
    for name in sorted(declared.keys() & made.keys()):
        one, other = _declared(declared[name]), _made(made[name], topics)
        yield from (
            f"subscription {name}, {key}: the code declares {one[key]}, Terraform makes {other[key]}"
            for key in one
            if one[key] != other[key]
        )


def _declared(subscription: Mapping[str, Any]) -> dict[str, Any]:
    push, dead_letters = subscription.get("push_config", {}), subscription.get("dead_letter_policy", {})
    identity = push.get("oidc_token", {})
    return {
        "topic": subscription["topic"].rpartition("/")[2],
        "ack_deadline_seconds": subscription["ack_deadline_seconds"],
        "ordered": False,
        "expires": bool(subscription["expiration_policy"]),
        "push_endpoint": push.get("push_endpoint"),
        "unwrapped with metadata": push.get("no_wrapper", {}).get("write_metadata"),
        "identity": (identity.get("service_account_email"), identity.get("audience")),
        "dead letters": dead_letters.get("dead_letter_topic", "").rpartition("/")[2],
        "attempts": dead_letters.get("max_delivery_attempts"),
    }


def _made(values: Mapping[str, Any], topics: Mapping[str, str]) -> dict[str, Any]:
    push, dead_letters = block(values, "push_config"), block(values, "dead_letter_policy")
    identity = block(push, "oidc_token")
    return {
        "topic": topics.get(values["topic"]),
        "ack_deadline_seconds": values["ack_deadline_seconds"],
        "ordered": bool(values["enable_message_ordering"]),
        "expires": block(values, "expiration_policy").get("ttl", "31 days") != "",
        "push_endpoint": push.get("push_endpoint"),
        "unwrapped with metadata": block(push, "no_wrapper").get("write_metadata"),
        "identity": (identity.get("service_account_email"), identity.get("audience")),
        "dead letters": topics.get(dead_letters.get("dead_letter_topic", ""), ""),
        "attempts": dead_letters.get("max_delivery_attempts"),
    }


def _rights_of_the_queue(state: State) -> Iterator[str]:
    """Yield missing rights of Pub/Sub to move dead letters and of its pushes to call functions."""
    agents = [
        member for member, _ in state.granted("pubsub_subscription_iam_member", "subscription", "pubsub.subscriber")
    ]
    agent = next(iter(agents), "")
    if "@gcp-sa-pubsub.iam.gserviceaccount.com" not in agent:
        yield "Pub/Sub's service agent has no roles/pubsub.subscriber"
    publishes = state.granted("pubsub_topic_iam_member", "topic", "pubsub.publisher")
    acknowledges = state.granted("pubsub_subscription_iam_member", "subscription", "pubsub.subscriber")
    calls = state.granted("cloud_run_v2_service_iam_member", "name", "run.invoker")
    pusher = state.one("service_account", "pusher")["member"]
    for each in state.of("pubsub_topic", "dead"):
        if (agent, each.values["id"]) not in publishes:
            yield f"topic {each.values['name']}: Pub/Sub may not publish dead letters on it"
    for each in state.of("pubsub_subscription", "push"):
        if (agent, each.values["id"]) not in acknowledges:
            yield f"subscription {each.values['name']}: Pub/Sub may not take dead letters from it"
    for target, service in state.services().items():
        if target in TOPIC_OF_FUNCTION and (pusher, service["name"]) not in calls:
            yield f"entry point {target}: pushes may not call it"


def _publishers(state: State) -> Iterator[str]:
    topics = {each.values["id"]: each.key for each in state.of("pubsub_topic")}
    made = {
        f"{_who(state, member)} on {topics.get(topic)}"
        for member, topic in state.granted("pubsub_topic_iam_member", "topic", "pubsub.publisher")
        if "gcp-sa-pubsub" not in member
    }
    bridge = {f"orchestrator-bridge on {topic}" for topic in TOPIC_OF_KIND.values()}
    yield from _compare("publisher", bridge | set(_published()), made)


PUBLISHING = ("handlers", "reporting", "sweeper", "chatops", "reconciler", "submission")
"""Packages of the functions that may publish."""


def _published() -> Iterator[str]:
    """Yield account and topic of every call of `publish` in the functions; the first argument must be a constant."""
    for file in sorted(file for room in PUBLISHING for file in (ROOT / "functions" / room).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "publish":
                (topic, *_) = node.args
                assert isinstance(topic, ast.Name), f"{file}: name the topic by a constant, so that it is found"
                who = "webhook" if file.stem == "github_webhook" else "functions"
                module = import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
                yield f"{who} on {getattr(module, topic.id)}"


def _who(state: State, member: str) -> str:
    accounts = {each.values["member"]: each.name for each in state.of("service_account")}
    return accounts.get(member, member.rpartition("/")[2])


def _schedules(state: State) -> Iterator[str]:
    declared = {each.event_type: each for each in topology({}, 60).schedules}
    topics = {each.values["id"]: each.key for each in state.of("pubsub_topic")}
    made = {}
    for job in state.of("cloud_scheduler_job"):
        target = block(job.values, "pubsub_target")
        headers = {"x-goog-pubsub-subscription-name": "s", **(target["attributes"] or {})}
        try:
            event = receive(headers, base64.b64decode(target["data"])).event()
        except MalformedError as error:
            yield f"schedule {job}: what it sends is not understood: {error}"
            continue
        made[event.type] = job.values["schedule"], topics.get(target["topic_name"])
    yield from _compare("schedule", set(declared), set(made))
    for event_type in sorted(declared.keys() & made.keys()):
        yield from _schedule(declared[event_type], *made[event_type])


def _schedule(declared: Schedule, cron: str, topic: str | None) -> Iterator[str]:
    if not re.fullmatch(CRON[declared.every_seconds], cron):
        yield f"schedule {declared.event_type}: the code declares every {declared.every_seconds} s, Terraform {cron}"
    if topic != declared.topic:
        yield f"schedule {declared.event_type}: the code declares topic {declared.topic}, Terraform {topic}"
