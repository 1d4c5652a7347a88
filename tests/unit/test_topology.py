"""The topology holds together: every function is fed, every message that cannot be delivered is kept, names fit.

Bounds are Pub/Sub's own (Dead-letter topics; Subscription properties; Resource names).
"""

import ast
import re

from functions.bridge.bridge import TOPIC_BY_KIND
from functions.queues.queue_model import Identity
from functions.queues.topology import FUNCTIONS, TOPIC_OF_FUNCTION, TOPIC_OF_KIND, TOPICS, dead_letter_topic, topology
from functions.settings import Settings
from tests.support.api import ROOT

ENDPOINTS = {each: f"https://{each}.example/" for each in FUNCTIONS}
NAME = re.compile(r"[a-z][a-z0-9-]{2,100}")


def test_every_entry_point_that_events_are_for_is_fed() -> None:
    parsed = ast.parse((ROOT / "functions" / "main.py").read_text())
    targets = {each.name for each in parsed.body if isinstance(each, ast.FunctionDef)}
    assert targets == {*FUNCTIONS, "github_webhook", "console"}, "GitHub and people call these, and no queue"
    assert set(TOPIC_OF_FUNCTION.values()) <= set(TOPICS)
    assert set(TOPIC_OF_KIND.values()) == {"runs", "jobs"}
    assert {kind.name: topic for kind, topic in TOPIC_BY_KIND.items()} == TOPIC_OF_KIND


def test_what_cannot_be_delivered_is_kept() -> None:
    made = topology(ENDPOINTS)
    for each in made.subscriptions:
        assert each.dead_letter
        assert each.dead_letter.topic == dead_letter_topic(each.topic)
        assert each.dead_letter.topic in made.dead_letter_topics
        assert 5 <= each.dead_letter.max_delivery_attempts <= 100
    assert set(made.dead_letter_topics) == {dead_letter_topic(topic) for topic in TOPICS}
    assert len(made.topics) == 2 * len(TOPICS)


def test_a_delivery_of_github_outlasts_githubs_rate_limit() -> None:
    (found,) = (each for each in topology(ENDPOINTS).subscriptions if each.topic == "github")
    assert found.dead_letter
    assert found.dead_letter.max_delivery_attempts * found.retry.maximum_backoff > 3600


def test_names_and_times_are_within_the_bounds() -> None:
    made = topology(ENDPOINTS, identity=Identity("pusher@example", ""))
    for name in [*made.topics, *(each.name for each in made.subscriptions)]:
        assert NAME.fullmatch(name)
        assert not name.startswith("goog")
    for each in made.subscriptions:
        assert 10 <= each.ack_deadline <= 600
        assert 0 <= each.retry.minimum_backoff <= each.retry.maximum_backoff <= 600
        assert each.identity
        assert not each.wrapped
        assert not each.ordered, "a refused head would block what follows it, and no rule needs the order"


def test_every_call_of_a_handler_ends_long_before_the_deadline_of_its_message() -> None:
    longest = Settings.model_validate({"agent": {"image": "x"}, "broker": {"image": "x"}}).cluster.timeout
    assert all(each.ack_deadline >= 5 * longest for each in topology(ENDPOINTS).subscriptions)
