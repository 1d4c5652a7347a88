"""CloudEvents as Pub/Sub messages, and the requests by which Pub/Sub and Eventarc deliver messages.

    wrapped       {"message": {"data": base64, "attributes": {...}, "messageId"}, "subscription"}
    no_wrapper    the data as the body, the attributes as headers, with metadata in headers x-goog-pubsub-*
    Eventarc      a CloudEvent of type google.cloud.pubsub.topic.v1.messagePublished with `wrapped` as its data

A message is a CloudEvent if its attributes are (`ce-*`, or a content-type of structured mode; CloudEvents: Google Cloud
Pub/Sub Protocol Binding). Otherwise its data is plain JSON, and it becomes an event of Eventarc's type with the
message's id. (Pub/Sub: Push subscriptions; Payload unwrapping.) The SDK has no binding for Pub/Sub.
"""

from collections.abc import Mapping
from typing import Any

from cloudevents.conversion import to_binary

from functions.events import http_binding
from functions.events.decoding import decode, decode_base64, media_type
from functions.events.event import PLAIN_MESSAGE, Event, MalformedError

SUBSCRIPTION = "x-goog-pubsub-subscription-name"
"""Header of a push without wrapping but with metadata; the embedded queue and the dispatcher of NATS set it too."""
MESSAGE_ID = "x-goog-pubsub-message-id"


def to_message(event: Event) -> tuple[bytes, dict[str, str]]:
    """Return the data and the attributes of the message that carries an event."""
    attributes, body = to_binary(event)
    return body or b"", attributes


def from_message(data: bytes, attributes: Mapping[str, str], message_id: str, source: str, field: str) -> Event:
    """Return the event of a message; attributes are text and not percent-encoded.

    `source` is the source of the event if the message is not a CloudEvent; `field` names the data in errors.

    Raises:
        MalformedError: names every missing attribute, or `field`.
    """
    lower = {name.lower(): value for name, value in attributes.items()}
    if media_type(lower.get("content-type")) == http_binding.STRUCTURED:
        return http_binding.from_document(decode(data))
    document = decode(data, field) if data else None
    if http_binding.matches(lower):
        return http_binding.binary_event(Event, lower, document)
    return _plain_event(message_id, source, document, lower)


def is_wrapped(document: Any) -> bool:
    """Return whether a JSON document is a wrapped push; Eventarc's may have no subscription."""
    return (
        isinstance(document, Mapping)
        and isinstance(document.get("message"), Mapping)
        and isinstance(document.get("subscription"), str)
    )


def from_wrapped(document: Mapping[str, Any]) -> Event:
    """Return the event in a wrapped push; raise MalformedError naming every problem."""
    return _from_wrapped(document, "", f"//pubsub.googleapis.com/{document.get('subscription')}")


def from_eventarc(event: Event) -> Event:
    """Return the event in Eventarc's event of a Pub/Sub message; raise MalformedError naming every problem."""
    if not isinstance(event.data, Mapping):
        raise MalformedError(("data", "must be a JSON object with a Pub/Sub message"))
    return _from_wrapped(event.data, event.id, event.source)


def from_unwrapped(headers: Mapping[str, str], document: Any) -> Event:
    """Return the event of a push without wrapping whose message is not a CloudEvent; raise MalformedError."""
    source = f"//pubsub.googleapis.com/{headers[SUBSCRIPTION]}"
    return _plain_event(headers.get(MESSAGE_ID, ""), source, document, headers)


def _from_wrapped(document: Mapping[str, Any], event_id: str, source: str) -> Event:
    message = document.get("message")
    if not isinstance(message, Mapping):
        raise MalformedError(("message", "must be a Pub/Sub message"))
    data = decode_base64(message.get("data") or "", "message.data")
    attributes = {} if message.get("attributes") is None else message["attributes"]
    if not isinstance(attributes, Mapping) or not all(isinstance(value, str) for value in attributes.values()):
        raise MalformedError(("message.attributes", "must be an object of strings"))
    message_id = str(message.get("messageId") or message.get("message_id") or event_id)
    return from_message(data, attributes, message_id, source, "message.data")


def _plain_event(message_id: str, source: str, document: Any, attributes: Mapping[str, str]) -> Event:
    if not message_id:
        raise MalformedError(("messageId", "is required"))
    trace = attributes.get("traceparent", "")
    return Event(message_id, source, PLAIN_MESSAGE, subject="", data=document, trace=trace)
