"""Requests that `github_webhook` refuses, before it parses or even reads them."""

import json
from functools import partial
from typing import Any

import pytest
from flask import Flask, request

from functions.github.webhook.signature import sign
from functions.handlers.github_webhook import LARGEST_BODY, handle
from functions.serving.edge import serve
from functions.serving.http import Request
from functions.serving.webhook_dependencies import WebhookDependencies
from tests.github.payloads import EVERYDAY
from tests.github.webhook.deliveries import COMMENT, OLD, SECRET, Queue, asked, delivery, services_over

# Signatures ---------------------------------------------------------------------------------------------------------


NO_JSON = b"{"
"""The parser rejects it: 400."""


def test_a_delivery_without_signature_is_refused_before_parsing(services: WebhookDependencies, queue: Queue) -> None:
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
def test_a_delivery_with_a_wrong_signature_is_refused_before_parsing(
    services: WebhookDependencies, queue: Queue, signature: str
) -> None:
    assert asked(services, delivery("issues", NO_JSON, x_hub_signature_256=signature)).code == 403
    assert asked(services, delivery("issues", NO_JSON)).code == 400, "a signed one is parsed"
    assert not queue.events


def test_a_signature_of_another_body_is_refused(services: WebhookDependencies, queue: Queue) -> None:
    seen = delivery("issue_comment", COMMENT).headers
    other_body = json.dumps(COMMENT | {"action": "edited"}).encode()
    assert asked(services, Request(seen, other_body)).code == 403
    assert asked(services, Request(seen, b"")).code == 403
    assert not queue.events


def test_the_old_secret_is_accepted_during_a_rotation(services: WebhookDependencies, queue: Queue) -> None:
    body = json.dumps(COMMENT).encode()
    assert asked(services, delivery("issue_comment", body, x_hub_signature_256=sign(body, OLD))).code == 200
    assert queue.events


def test_a_push_header_does_not_acknowledge_a_refused_delivery(services: WebhookDependencies, queue: Queue) -> None:
    """Otherwise a sender could have wrong signatures acknowledged by setting that header."""
    pushed = {"x_goog_pubsub_subscription_name": "s"}
    assert asked(services, delivery("issues", COMMENT, x_hub_signature_256="sha256=0", **pushed)).code == 403


# Invalid deliveries -------------------------------------------------------------------------------------------------


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
def test_a_signed_invalid_delivery_is_refused_by_field(
    services: WebhookDependencies, queue: Queue, changed: dict[str, str | None], body: bytes, code: int, named: str
) -> None:
    got = asked(services, delivery("issues", body, **changed))
    assert got.code == code
    assert named in json.dumps(got.body)
    assert not queue.events


@pytest.fixture(scope="module")
def app() -> Flask:
    return Flask("edge")


def test_only_post_is_allowed_except_for_health(app: Flask, services: WebhookDependencies) -> None:
    for method, path, code in (("GET", "/", 405), ("PUT", "/", 405), ("GET", "/health", 200)):
        with app.test_request_context(path, method=method):
            _, status, headers = serve(partial(handle, services), request, LARGEST_BODY)
        assert status == code
        assert headers.get("Allow") == ("POST" if code == 405 else None)


def test_26_mb_are_refused_before_they_are_read(app: Flask, services: WebhookDependencies, queue: Queue) -> None:
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
        _, status, _ = serve(partial(handle, services), request, LARGEST_BODY)
    assert (status, body.taken) == (413, 0)
    assert not queue.events


def test_25_mb_are_accepted(app: Flask, services: WebhookDependencies, queue: Queue) -> None:
    """Other functions have a much smaller limit."""
    padded = json.dumps(COMMENT | {"more": "x" * (LARGEST_BODY - 20_000)}).encode()
    found = delivery("issue_comment", padded)
    with app.test_request_context("/", method="POST", data=padded, headers=dict(found.headers)):
        _, status, _ = serve(partial(handle, services), request, LARGEST_BODY)
    assert status == 200
    assert len(queue.events) == 1


def test_a_delivery_fails_while_the_queue_is_down(services: WebhookDependencies, queue: Queue) -> None:
    queue.down = True
    got = asked(services, delivery("issues", EVERYDAY["issues"][0]))
    assert (got.code, "Retry-After" in got.headers) == (503, True)
    assert asked(services_over(None), delivery("issues", EVERYDAY["issues"][0])).code == 503
