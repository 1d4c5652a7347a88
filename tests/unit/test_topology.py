"""The queue topology: every function has a topic, undelivered messages are kept, names and times are valid.

The bounds are Pub/Sub's (Dead-letter topics; Subscription properties; Resource names).
"""

import ast
import re

from functions.bridge.bridge import TOPIC_BY_KIND
from functions.queues.queue_model import Identity
from functions.queues.topology import FUNCTIONS, TOPIC_OF_FUNCTION, TOPIC_OF_KIND, TOPICS, dead_letter_topic, topology
from functions.settings.model import Settings
from tests.support.api import ROOT

ENDPOINTS = {each: f"https://{each}.example/" for each in FUNCTIONS}
NAME = re.compile(r"[a-z][a-z0-9-]{2,100}")


def test_every_event_function_has_a_topic() -> None:
    parsed = ast.parse((ROOT / "functions" / "main.py").read_text())
    targets = {each.name for each in parsed.body if isinstance(each, ast.FunctionDef)}
    assert targets == {*FUNCTIONS, "github_webhook", "console"}, "GitHub and browsers call these two, not the queue"
    assert set(TOPIC_OF_FUNCTION.values()) <= set(TOPICS)
    assert set(TOPIC_OF_KIND.values()) == {"runs", "jobs"}
    assert {kind.name: topic for kind, topic in TOPIC_BY_KIND.items()} == TOPIC_OF_KIND


def test_every_subscription_has_a_dead_letter_topic() -> None:
    made = topology(ENDPOINTS)
    for each in made.subscriptions:
        assert each.dead_letter
        assert each.dead_letter.topic == dead_letter_topic(each.topic)
        assert each.dead_letter.topic in made.dead_letter_topics
        assert 5 <= each.dead_letter.max_delivery_attempts <= 100
    assert set(made.dead_letter_topics) == {dead_letter_topic(topic) for topic in TOPICS}
    assert len(made.topics) == 2 * len(TOPICS)


def test_github_deliveries_are_retried_for_over_an_hour() -> None:
    (found,) = (each for each in topology(ENDPOINTS).subscriptions if each.topic == "github")
    assert found.dead_letter
    assert found.dead_letter.max_delivery_attempts * found.retry.maximum_backoff > 3600


def test_names_and_times_are_within_pub_sub_bounds() -> None:
    made = topology(ENDPOINTS, identity=Identity("pusher@example", ""))
    for name in [*made.topics, *(each.name for each in made.subscriptions)]:
        assert NAME.fullmatch(name)
        assert not name.startswith("goog")
    for each in made.subscriptions:
        assert 10 <= each.ack_deadline <= 600
        assert 0 <= each.retry.minimum_backoff <= each.retry.maximum_backoff <= 600
        assert each.identity
        assert not each.wrapped


def test_the_ack_deadline_is_at_least_5_times_the_cluster_timeout() -> None:
    longest = Settings.model_validate({"agent": {"image": "x"}, "broker": {"image": "x"}}).cluster.timeout
    assert all(each.ack_deadline >= 5 * longest for each in topology(ENDPOINTS).subscriptions)
