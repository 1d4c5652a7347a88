"""What Google Pub/Sub pushes, and what Eventarc makes of it.

    wrapped       {"message": {"data": base64, "attributes": {...}, "messageId"}, "subscription"}
    no_wrapper    the data as the body, the attributes as headers, with metadata in headers x-goog-pubsub-*
    Eventarc      a CloudEvent of type google.cloud.pubsub.topic.v1.messagePublished with `wrapped` as its data

The message in it is a CloudEvent, when its attributes are (`ce-*`, or a content-type of structured mode: CloudEvents,
Google Cloud Pub/Sub Protocol Binding); else its data is plain JSON, and it becomes an event of Eventarc's type with
the message's id. (Pub/Sub: Push subscriptions; Payload unwrapping.)
"""

from collections.abc import Mapping
from typing import Any

from functions.events.decoding import decode, decode_base64, media_type
from functions.events import http_binding
from functions.events.event import PLAIN_MESSAGE, Event, MalformedError

SUBSCRIPTION = "x-goog-pubsub-subscription-name"
"""Header of a push without wrapping, with metadata; the embedded queue sets it too."""
MESSAGE_ID = "x-goog-pubsub-message-id"


def is_wrapped(document: Any) -> bool:
    """Whether a JSON document is a wrapped push. Eventarc's has no subscription where it was made for a test."""
    return (
        isinstance(document, Mapping)
        and isinstance(document.get("message"), Mapping)
        and isinstance(document.get("subscription"), str)
    )


def unwrapped(document: Mapping[str, Any], outer: Event | None = None) -> Event:
    """The event in a wrapped push; `outer` is the CloudEvent that Eventarc put around it. Raises MalformedError."""
    message = document.get("message")
    if not isinstance(message, Mapping):
        raise MalformedError(("message", "must be a Pub/Sub message"))
    body = decode_base64(message.get("data") or "", "message.data")
    attributes = {} if message.get("attributes") is None else message["attributes"]
    if not isinstance(attributes, Mapping) or not all(isinstance(value, str) for value in attributes.values()):
        raise MalformedError(("message.attributes", "must be an object of strings"))
    lower = {str(name).lower(): value for name, value in attributes.items()}
    if media_type(lower.get("content-type")) == cloudevents.STRUCTURED:
        return cloudevents.structured(body)
    if "ce-type" in lower or "ce-id" in lower:  # attributes are text as they are; nothing in them is encoded
        found = {name.removeprefix("ce-"): value for name, value in lower.items() if name.startswith("ce-")}
        return cloudevents.event(found, decode(body, "message.data") if body else None)
    identifier = message.get("messageId") or message.get("message_id") or (outer.id if outer else "")
    source = outer.source if outer else f"//pubsub.googleapis.com/{document.get('subscription')}"
    return _plain(str(identifier), source, decode(body, "message.data") if body else None, lower)


def plain(headers: Mapping[str, str], body: bytes) -> Event:
    """The event in a push without wrapping whose message is no CloudEvent. Raises MalformedError."""
    source = f"//pubsub.googleapis.com/{headers[SUBSCRIPTION]}"
    return _plain(headers.get(MESSAGE_ID, ""), source, decode(body) if body else None, headers)


def _plain(identifier: str, source: str, data: Any, attributes: Mapping[str, str]) -> Event:
    if not identifier:
        raise MalformedError(("messageId", "is required"))
    return Event(
        id=identifier,
        source=source,
        type=PLAIN_MESSAGE,
        subject="",
        data=data,
        trace=attributes.get("traceparent", ""),
    )
