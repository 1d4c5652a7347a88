"""Deliveries that `github_webhook` publishes or ignores."""

import json
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.github.webhook.payload_filter import FIELDS_BY_EVENT
from functions.serving.http import Request
from functions.serving.webhook_dependencies import WebhookDependencies
from tests.github.payloads import EVERYDAY, OTHERS, other
from tests.github.webhook.deliveries import COMMENT, DELIVERY, Queue, asked, delivery
from tests.support.api import ROOT
from tests.support.github import Github, payloads


def test_only_the_fields_that_rules_need_are_published(services: WebhookDependencies, queue: Queue) -> None:
    assert asked(services, delivery("issue_comment", COMMENT)).code == 200
    ((topic, event),) = queue.events
    assert (topic, event.id, event.subject) == ("github", DELIVERY, "acme/shop")
    assert event.type == "platform.agents.github.issue_comment.v1"
    assert event.source == "orchestrator/github_webhook"
    assert set(event.data) == {"action", "comment", "installation", "issue", "organization", "repository", "sender"}
    assert event.data["comment"]["body"] == COMMENT["comment"]["body"]
    assert event.data["repository"]["default_branch"] == "main"
    assert event.data["sender"] == {"id": 583231, "login": "octocat", "type": "User"}
    assert event.data["issue"]["labels"] == [{"name": "bug"}]
    assert not {"body", "reactions"} & set(event.data["issue"])
    assert len(json.dumps(event.data)) < len(json.dumps(COMMENT)) / 3


UNREAD = (("check_suite", "requested"), ("check_suite", "completed"))
"""Events of which each commit has some, and of which rules read other actions only."""

CASES = [(name, number) for name, found in EVERYDAY.items() for number in range(len(found))]


@pytest.mark.parametrize(("name", "number"), CASES, ids=[f"{name}-{number}" for name, number in CASES])
def test_every_common_event_is_published_or_ignored(
    services: WebhookDependencies, queue: Queue, name: str, number: int
) -> None:
    got = asked(services, delivery(name, EVERYDAY[name][number]))
    assert got.code == 200, got.body
    is_read = name in FIELDS_BY_EVENT and (name, EVERYDAY[name][number].get("action")) not in UNREAD
    assert [event.type for _, event in queue.events] == ([f"platform.agents.github.{name}.v1"] if is_read else [])


@pytest.mark.parametrize("name", [*OTHERS, "something_of_next_year"])
def test_every_other_event_is_ignored(services: WebhookDependencies, queue: Queue, name: str) -> None:
    got = asked(services, delivery(name, other(name)))
    assert (got.code, (got.body or {})["message"]) == (200, f"ignored: nothing comes of this {name} event")
    assert not queue.events


def test_every_used_event_has_a_test_payload() -> None:
    assert set(FIELDS_BY_EVENT) <= set(EVERYDAY)


@pytest.mark.parametrize("name", sorted(FIELDS_BY_EVENT))
@pytest.mark.parametrize("whole", [{}, {"action": None, "sender": None, "repository": None, "installation": None}])
def test_absent_and_null_fields_are_accepted(
    services: WebhookDependencies, queue: Queue, name: str, whole: Any
) -> None:
    assert asked(services, delivery(name, whole | dict.fromkeys(FIELDS_BY_EVENT[name]))).code == 200
    assert queue.events[0][1].subject == ""


def test_a_redelivery_publishes_the_same_event(services: WebhookDependencies, queue: Queue) -> None:
    for _ in range(2):
        assert asked(services, delivery("issue_comment", COMMENT)).code == 200
    assert queue.events[0] == queue.events[1]


def test_ping_is_answered(services: WebhookDependencies, queue: Queue) -> None:
    for each in EVERYDAY["ping"]:
        got = asked(services, delivery("ping", each))
        assert (got.code, (got.body or {})["message"]) == (200, "pong: deliveries of this webhook are accepted")
    assert not queue.events


def test_a_form_encoded_delivery_is_accepted(services: WebhookDependencies, queue: Queue) -> None:
    text = json.dumps(COMMENT | {"action": "créé + & = %"}, ensure_ascii=False)
    body = urlencode({"payload": text}).encode()
    kind = "application/x-www-form-urlencoded"
    assert asked(services, delivery("issue_comment", body, content_type=kind)).code == 200
    assert queue.events[0][1].data["action"] == "créé + & = %"
    for wrong in (b"x=1", b"payload=%7B", b"\xff", b""):
        assert asked(services, delivery("issue_comment", wrong, content_type=kind)).code == 400


def test_deliveries_of_the_fake_github_are_accepted(
    github: Github, services: WebhookDependencies, queue: Queue
) -> None:
    github.hook.send = lambda headers, body: asked(services, Request(_lower(headers), body)).code
    shop = github.repository("acme/shop")
    number = shop.open_issue("A title")["number"]
    first = github.hook.deliver("issue_comment", payloads.issue_comment(shop, number, shop.comment(number, "/status")))
    queue.down = True
    lost = github.hook.deliver("issues", payloads.issue(shop, number, "opened"))
    queue.down = False
    again = github.hook.again(lost.id)
    assert [(each.status_code, each.redelivery) for each in github.hook.log] == [
        (200, False),
        (503, False),
        (200, True),
    ]
    assert again
    assert [event.id for _, event in queue.events] == [first.guid, lost.guid]
    assert queue.events[0][1].data["installation"]["id"] == 77


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): text for name, text in headers.items()}


def test_the_webhook_loads_no_github_client() -> None:
    """The webhook loads no client, JWT library or cluster, which keeps its cold start short.

    The settings validate the App's key, if there is one, with `cryptography` at start.
    """
    script = "import functions.handlers.github_webhook, sys; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    loaded = set(done.stdout.split())
    assert "functions.github.webhook.payload_filter" in loaded
    assert not loaded & {
        "jwt",
        "kubernetes",
        "functions.github.api.client",
        "functions.github.api.transport",
    }
