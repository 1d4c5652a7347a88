"""What `github_webhook` takes, refuses and puts on the queue.

| arrives                                                       | answer        | on the queue               |
|---------------------------------------------------------------|---------------|----------------------------|
| a signed delivery of an event that something comes of         | 200           | one event, its own id      |
| any other event that GitHub documents, or nobody knows        | 200 ignored   | nothing                    |
| ping                                                          | 200           | nothing                    |
| no signature; a wrong one, of SHA-1, of another body          | 401; 403      | nothing, nothing is parsed |
| GET; 26 MB; another content type; no JSON object; no headers  | 405; 413; 415; 400; 400 | nothing          |
| a queue that is down, or is not there                         | 503           | nothing                    |
| any JSON object as any event                                  | 200           | at most LARGEST bytes      |
"""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from functions.cluster.client import Cluster
from functions.events.event import Event
from functions.events.publisher import PublishError
from functions.github.extract import COMMON, CUT, LARGEST, WANTED, extract
from functions.github.signature import sign
from functions.handlers.github_webhook import LARGEST_PAYLOAD, handle
from functions.handlers.http import Answer, Request, answer, serve
from functions.handlers.services import Services
from tests.github.payloads import EVERYDAY, OTHERS, other
from tests.support.api import ROOT
from tests.support.builders import NOW, settings
from tests.support.github import Github, payloads

SECRET = "It's a Secret to Everybody"
OLD = "an older one"
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


class Untouched:
    """A cluster that nobody may call."""

    def send(self, request: Any) -> Any:
        raise AssertionError("the webhook asks no cluster")

    stream = send


@dataclass
class Queue:
    """Keeps what is published, or refuses it."""

    events: list[tuple[str, Event]] = field(default_factory=list)
    down: bool = False

    def publish(self, topic: str, event: Event) -> None:
        if self.down:
            raise PublishError("topic github: the queue did not answer")
        json.dumps(event.data).encode()
        self.events.append((topic, event))


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def services(queue: Queue) -> Services:
    return _services(queue)


def _services(queue: Queue | None) -> Services:
    configured = settings(github={"webhook_secrets": [SECRET, OLD]})
    return Services(configured, Cluster(Untouched()), lambda: NOW, queue)


def delivery(event: str, payload: Any, **headers: str | None) -> Request:
    """A signed delivery; headers are given as content_type="...", None leaves one out."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    found: dict[str, str | None] = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": DELIVERY,
        "x-hub-signature-256": sign(body, SECRET),
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    return Request({name: text for name, text in found.items() if text is not None}, body)


def asked(services: Services, request: Request) -> Answer:
    return answer(partial(handle, services), request)


COMMENT = EVERYDAY["issue_comment"][0]


def test_what_the_rules_need_goes_on_the_queue_and_nothing_else(services: Services, queue: Queue) -> None:
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
    assert event.data["issue"]["body"] is None
    assert "reactions" not in event.data["issue"]
    assert len(json.dumps(event.data)) < len(json.dumps(COMMENT)) / 3


CASES = [(name, number) for name, found in EVERYDAY.items() for number in range(len(found))]


@pytest.mark.parametrize(("name", "number"), CASES, ids=[f"{name}-{number}" for name, number in CASES])
def test_every_everyday_event_is_taken_or_ignored(services: Services, queue: Queue, name: str, number: int) -> None:
    got = asked(services, delivery(name, EVERYDAY[name][number]))
    assert got.code == 200, got.body
    assert [event.type for _, event in queue.events] == (
        [f"platform.agents.github.{name}.v1"] if name in WANTED else []
    )


@pytest.mark.parametrize("name", [*OTHERS, "something_of_next_year"])
def test_every_other_event_is_ignored(services: Services, queue: Queue, name: str) -> None:
    got = asked(services, delivery(name, other(name)))
    assert (got.code, (got.body or {})["message"]) == (200, f"ignored: nothing comes of {name} events")
    assert not queue.events


def test_every_wanted_event_is_among_the_payloads() -> None:
    assert set(WANTED) <= set(EVERYDAY)


@pytest.mark.parametrize("name", sorted(WANTED))
@pytest.mark.parametrize("whole", [{}, {"action": None, "sender": None, "repository": None, "installation": None}])
def test_absent_and_null_fields_are_normal(services: Services, queue: Queue, name: str, whole: Any) -> None:
    assert asked(services, delivery(name, whole | dict.fromkeys(WANTED[name]))).code == 200
    assert queue.events[0][1].subject == ""


def test_a_delivery_sent_again_is_the_same_event(services: Services, queue: Queue) -> None:
    for _ in range(2):
        assert asked(services, delivery("issue_comment", COMMENT)).code == 200
    assert queue.events[0] == queue.events[1]


def test_ping_is_answered(services: Services, queue: Queue) -> None:
    for each in EVERYDAY["ping"]:
        got = asked(services, delivery("ping", each))
        assert (got.code, (got.body or {})["message"]) == (200, "pong: deliveries of this webhook are accepted")
    assert not queue.events


# Signatures ---------------------------------------------------------------------------------------------------------


NO_JSON = b"{"
"""Whoever parses it finds that it is none: 400."""


def test_without_a_signature_nothing_is_parsed(services: Services, queue: Queue) -> None:
    old = "sha1=" + "0" * 40
    got = asked(services, delivery("push", NO_JSON, x_hub_signature_256=None, x_hub_signature=old))
    assert got.code == 401
    assert "X-Hub-Signature-256" in (got.body or {})["message"]
    assert not queue.events


@pytest.mark.parametrize(
    "signature",
    [
        sign(NO_JSON, "wrong"),
        sign(NO_JSON, SECRET)[:-1],
        sign(NO_JSON, SECRET).upper(),
        sign(NO_JSON, SECRET).replace("sha256", "SHA256"),
        "sha256=" + sign(NO_JSON, SECRET)[7:].upper(),
        "sha1=" + "0" * 40,
        "",
        "x",
    ],
)
def test_with_a_wrong_signature_nothing_is_parsed(services: Services, queue: Queue, signature: str) -> None:
    assert asked(services, delivery("issues", NO_JSON, x_hub_signature_256=signature)).code == 403
    assert asked(services, delivery("issues", NO_JSON)).code == 400, "signed, it is parsed"
    assert not queue.events


def test_a_signature_of_another_body_is_refused(services: Services, queue: Queue) -> None:
    seen = delivery("issue_comment", COMMENT).headers
    other_body = json.dumps(COMMENT | {"action": "edited"}).encode()
    assert asked(services, Request(seen, other_body)).code == 403
    assert asked(services, Request(seen, b"")).code == 403
    assert not queue.events


def test_the_second_secret_is_accepted_while_it_is_replaced(services: Services, queue: Queue) -> None:
    body = json.dumps(COMMENT).encode()
    assert asked(services, delivery("issue_comment", body, x_hub_signature_256=sign(body, OLD))).code == 200
    assert queue.events


def test_a_push_header_of_the_queue_hides_no_refusal(services: Services, queue: Queue) -> None:
    """Else whoever sets it would have wrong signatures acknowledged."""
    pushed = {"x_goog_pubsub_subscription_name": "s"}
    assert asked(services, delivery("issues", COMMENT, x_hub_signature_256="sha256=0", **pushed)).code == 403


# What is no delivery ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "body", "code", "named"),
    [
        ({}, b"", 400, "body"),
        ({}, b"[]", 400, "body"),
        ({}, b"\xff\xfe", 400, "body"),
        ({}, b"[" * 100_000, 400, "body"),
        ({}, b'{"a": ' + b"1" * 5_000 + b"}", 400, "body"),
        ({"x_github_event": None}, b"{}", 400, "X-GitHub-Event"),
        ({"x_github_delivery": None}, b"{}", 400, "X-GitHub-Delivery"),
        ({"x_github_delivery": "x" * 101}, b"{}", 400, "X-GitHub-Delivery"),
        ({"content_type": "text/plain"}, b"{}", 415, "application/json"),
        ({"content_type": None}, b"{}", 415, "application/json"),
    ],
)
def test_what_is_signed_and_no_delivery_is_named(
    services: Services, queue: Queue, changed: dict[str, str | None], body: bytes, code: int, named: str
) -> None:
    got = asked(services, delivery("issues", body, **changed))
    assert got.code == code
    assert named in json.dumps(got.body)
    assert not queue.events


def test_a_form_is_taken_as_well(services: Services, queue: Queue) -> None:
    text = json.dumps(COMMENT | {"action": "créé + & = %"}, ensure_ascii=False)
    body = urlencode({"payload": text}).encode()
    kind = "application/x-www-form-urlencoded"
    assert asked(services, delivery("issue_comment", body, content_type=kind)).code == 200
    assert queue.events[0][1].data["action"] == "créé + & = %"
    for wrong in (b"x=1", b"payload=%7B", b"\xff", b""):
        assert asked(services, delivery("issue_comment", wrong, content_type=kind)).code == 400


@pytest.fixture(scope="module")
def app() -> Flask:
    return Flask("edge")


def test_only_post_is_allowed_but_for_health(app: Flask, services: Services) -> None:
    for method, path, code in (("GET", "/", 405), ("PUT", "/", 405), ("GET", "/health", 200)):
        with app.test_request_context(path, method=method):
            _, status, headers = serve(partial(handle, services), request, LARGEST_PAYLOAD)
        assert status == code
        assert headers.get("Allow") == ("POST" if code == 405 else None)


def test_26_mb_are_refused_before_they_are_read(app: Flask, services: Services, queue: Queue) -> None:
    class Endless:
        taken = 0

        def read(self, size: int = -1) -> bytes:
            self.taken += size
            return b" " * size

        def readinto(self, buffer: Any) -> int:
            self.taken += len(buffer)
            return len(buffer)

    body = Endless()
    environ = {"wsgi.input": body, "CONTENT_LENGTH": str(26 * 1024 * 1024)}
    with app.test_request_context("/", method="POST", environ_overrides=environ):
        _, status, _ = serve(partial(handle, services), request, LARGEST_PAYLOAD)
    assert (status, body.taken) == (413, 0)
    assert not queue.events


def test_25_mb_are_taken(app: Flask, services: Services, queue: Queue) -> None:
    """Much larger than what other functions take."""
    padded = json.dumps(COMMENT | {"more": "x" * (LARGEST_PAYLOAD - 20_000)}).encode()
    found = delivery("issue_comment", padded)
    with app.test_request_context("/", method="POST", data=padded, headers=dict(found.headers)):
        _, status, _ = serve(partial(handle, services), request, LARGEST_PAYLOAD)
    assert status == 200
    assert len(queue.events) == 1


def test_a_queue_that_is_down_shows_as_a_failed_delivery(services: Services, queue: Queue) -> None:
    queue.down = True
    got = asked(services, delivery("issues", EVERYDAY["issues"][0]))
    assert (got.code, "Retry-After" in got.headers) == (503, True)
    assert asked(_services(None), delivery("issues", EVERYDAY["issues"][0])).code == 503


# Sizes and secrets --------------------------------------------------------------------------------------------------


def test_a_long_text_is_cut_and_says_so(services: Services, queue: Queue) -> None:
    astral = "\U0001f600" * 65_536
    long = COMMENT | {"comment": COMMENT["comment"] | {"body": "/code 3\n" + astral}}
    assert asked(services, delivery("issue_comment", long)).code == 200
    body = queue.events[0][1].data["comment"]["body"]
    assert body.startswith("/code 3\n\U0001f600")
    assert body.endswith(CUT)
    assert len(json.dumps(queue.events[0][1].data)) <= LARGEST


def test_an_ordinary_long_comment_is_whole(services: Services, queue: Queue) -> None:
    text = "word " * 13_000
    long = COMMENT | {"comment": COMMENT["comment"] | {"body": text}}
    assert asked(services, delivery("issue_comment", long)).code == 200
    assert queue.events[0][1].data["comment"]["body"] == text


def largest(shape: Any) -> Any:
    """The largest thing that fits a shape."""
    if isinstance(shape, list):
        return [largest(shape[0])] * 1_000
    return (
        {name: largest(inner) for name, inner in shape.items()} if isinstance(shape, dict) else "\U0001f600" * 70_000
    )


@pytest.mark.parametrize("name", sorted(WANTED))
def test_nothing_larger_than_a_queue_takes_is_made(name: str) -> None:
    found = extract(name, largest({**COMMON, **WANTED[name]}))
    assert found
    assert len(json.dumps(found)) <= LARGEST


def _all_names(shape: Any) -> Iterator[str]:
    for each in shape if isinstance(shape, list) else [shape]:
        for name, inner in each.items() if isinstance(each, dict) else ():
            yield name
            yield from _all_names(inner)


KNOWN = {name for shape in WANTED.values() for name in _all_names(shape)} | {"repository", "sender", "full_name"}
NAMES = st.sampled_from(sorted(KNOWN)) | st.text(max_size=5)
"""Names that payloads have, so that what is generated reaches the inside of a shape."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


def test_what_others_could_not_read_is_left_out() -> None:
    found = extract(
        "issue_comment", {"comment": {"id": 2**63, "body": "a\ud800b"}, "issue": {"id": 2**63 - 1, "number": 1.5}}
    )
    assert found == {"comment": {"body": "a?b"}, "issue": {"id": 2**63 - 1}}


@given(name=st.sampled_from(sorted([*EVERYDAY, *OTHERS])), payload=st.dictionaries(NAMES, JSON, max_size=8))
def test_no_json_object_is_answered_with_an_error(name: str, payload: dict[str, Any]) -> None:
    queue = Queue()
    got = asked(_services(queue), delivery(name, payload))
    assert got.code == 200, got.body
    for _, event in queue.events:
        assert len(json.dumps(event.data, allow_nan=False)) <= LARGEST
        json.dumps(event.data, ensure_ascii=False).encode()
        event.subject.encode()


def test_no_secret_and_nothing_of_a_payload_is_logged(
    services: Services, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    marked = json.loads(json.dumps(COMMENT).replace("octocat", "m4rker").replace("right", "m4rker"))
    logger = logging.getLogger("orchestrator")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.DEBUG, "orchestrator"):
            answers = [
                asked(services, delivery("issue_comment", marked)),
                asked(services, delivery("issue_comment", b'{"m4rker"')),
                asked(services, delivery("issue_comment", marked, x_hub_signature_256=sign(b"m4rker", OLD))),
                asked(services, delivery("issue_comment", marked, content_type="text/m4rker")),
            ]
    finally:
        logger.removeHandler(caplog.handler)
    told = caplog.text + json.dumps([each.body for each in answers]) + repr(services.settings)
    assert caplog.records
    assert not [word for word in (SECRET, OLD, "m4rker", sign(b"m4rker", OLD)) if word in told]


# From the fake GitHub -----------------------------------------------------------------------------------------------


def test_what_the_fake_github_sends_is_taken(github: Github, services: Services, queue: Queue) -> None:
    github.hook.send = lambda headers, body: asked(services, Request(_lower(headers), body)).code
    shop = github.repository("acme/shop")
    number = shop.open_issue("A title")["number"]
    first = github.hook.deliver(
        "issue_comment", payloads.issue_comment(shop, number, shop.comment(number, "/status"))
    )
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


def test_the_webhook_loads_nothing_that_calls_github() -> None:
    """Checking a signature needs no client, no JWT and no cluster: it answers sooner after a cold start."""
    script = "import functions.handlers.github_webhook, sys; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    loaded = set(done.stdout.split())
    assert "functions.github.extract" in loaded
    assert not loaded & {"jwt", "cryptography", "kubernetes", "functions.github.client", "functions.github.transport"}
