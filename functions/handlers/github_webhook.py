"""The github_webhook function: verifies a delivery of GitHub and publishes what the rules need of it.

It does no more, so that GitHub, which gives up after 10 s and does not try again by itself, is answered at once. A 2xx
answer means that the delivery is on the queue or that nothing would come of it; the sweep asks GitHub again for one
that failed. Nothing of a delivery is read before its signature header, and nothing is parsed before the signature fits.
"""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from functions.events.decoding import decode_loosely, media_type
from functions.events.event import GITHUB_EVENT, Event, MalformedError
from functions.github.repository_name import repository_name
from functions.github.webhook import signature
from functions.github.webhook.payload_filter import extract
from functions.queues.publisher import PublishError
from functions.queues.topics import GITHUB
from functions.serving.http import Answer, Refused, Request
from functions.serving.webhook_dependencies import WebhookDependencies
from functions.settings.queues import SELECT_BACK_END
from functions.telemetry.context import bind

log = logging.getLogger("orchestrator")

SOURCE = "orchestrator/github_webhook"
LARGEST_BODY = 25 * 1024 * 1024
"""Bytes; GitHub sends no larger payload (Webhook events and payloads: Payload cap)."""

FORM = "application/x-www-form-urlencoded"


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise Refused, before the body is read, for a delivery without a well-formed signature: 401 or 403."""
    given = headers.get(signature.HEADER)
    if given is None:
        raise Refused(401, "the header X-Hub-Signature-256 is missing; give the webhook a secret")
    if not signature.FORM.fullmatch(given):
        raise Refused(403, "the header X-Hub-Signature-256 must be sha256= and 64 hexadecimal digits")


def handle(deps: WebhookDependencies, request: Request) -> Answer:
    """Answer 200 once the delivery is on the queue, or is ignored.

    Raises:
        Refused: 401 without a signature, 403 with a wrong one, 415 for another content type.
        MalformedError: it is signed and not a delivery.
        PublishError: the queue did not accept it; GitHub records a failure.
    """
    _verify(deps, request)
    payload = _payload(request)
    event, delivery = _header(request, "X-GitHub-Event"), _header(request, "X-GitHub-Delivery")
    bind(delivery=delivery)
    if event == "ping":
        return _done("pong: deliveries of this webhook are accepted", delivery)
    data = extract(event, payload)
    if data is None:
        return _done(f"ignored: nothing comes of this {event} event", delivery)
    if deps.publisher is None:
        raise PublishError(f"there is no queue: {SELECT_BACK_END}")
    deps.publisher.publish(GITHUB, _event(event, delivery, data))
    log.info("accepted: %s", event, extra={"event": delivery})
    return _done("accepted", delivery)


def _verify(deps: WebhookDependencies, request: Request) -> None:
    check_headers(request.headers)
    secrets = [secret.get_secret_value() for secret in deps.settings.github.webhook_secrets]
    if not signature.is_valid(request.body, request.headers[signature.HEADER], secrets):
        raise Refused(403, "the signature fits none of the secrets (setting github.webhook_secrets)")


def _payload(request: Request) -> Mapping[str, Any]:
    kind = media_type(request.headers.get("content-type"))
    if kind not in ("application/json", FORM):
        raise Refused(415, "the content type must be application/json: set it so in the webhook's settings")
    payload = decode_loosely(_form(request.body) if kind == FORM else request.body)  # cleaned by the payload filter
    if not isinstance(payload, Mapping):
        raise MalformedError(("body", "must be a JSON object"))
    return payload


def _form(body: bytes) -> bytes:
    """Return the payload in a form, the default content type of a webhook."""
    try:
        fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=2)
        return fields["payload"][0].encode()
    except (ValueError, KeyError):
        raise MalformedError(("body", "must be a form with the field payload")) from None


def _header(request: Request, name: str) -> str:
    text = request.headers.get(name.lower(), "")
    if not text or len(text) > 100 or not text.isascii() or not text.isprintable():
        raise MalformedError((name, "is required, with at most 100 printable ASCII characters"))
    return text


def _event(name: str, delivery: str, data: Mapping[str, Any]) -> Event:
    subject = repository_name((data.get("repository") or {}).get("full_name")) or ""
    return Event(id=delivery, source=SOURCE, type=f"{GITHUB_EVENT}{name}.v1", subject=subject, data=data)


def _done(message: str, delivery: str) -> Answer:
    return Answer(200, {"success": True, "message": message, "data": {"delivery": delivery}})
