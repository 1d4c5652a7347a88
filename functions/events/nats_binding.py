"""CloudEvents as NATS messages (CloudEvents: NATS Protocol Binding), and the HTTP request that delivers a message.

    binary       the data as payload; every attribute in a header ce-*, the media type of the data too
    structured   the whole event in JSON as payload; Content-Type application/cloudevents+json, or no header at all

Events are published in binary mode. Messages of other publishers are delivered in both; version 1.0.2 of the binding
has structured mode only, 1.0.3 has both. The SDK (cloudevents 1.12) has no binding for NATS; the attributes are
written and read as over HTTP, which differs in one name: the media type of the data is the header content-type there.
"""

from collections.abc import Mapping

from functions.events import http_binding
from functions.events.event import Event

_MEDIA_TYPE = f"{http_binding.PREFIX}datacontenttype"


def to_message(event: Event) -> tuple[dict[str, str], bytes]:
    """Return the headers and the payload of the message that carries an event, in binary mode."""
    headers, body = http_binding.to_request(event)
    media_type = headers.pop("content-type")
    return {**headers, _MEDIA_TYPE: media_type}, body


def to_request(headers: Mapping[str, str], payload: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of the HTTP request for a message; headers of NATS itself are left out."""
    lower = {name.lower(): value for name, value in headers.items()}
    attributes = {name: value for name, value in lower.items() if name.startswith(http_binding.PREFIX)}
    if not attributes or lower.get("content-type", "").lower().startswith("application/cloudevents"):
        return {"content-type": http_binding.STRUCTURED}, payload
    media_type = attributes.pop(_MEDIA_TYPE, None) or lower.get("content-type")
    return {**attributes, **({"content-type": media_type} if media_type else {})}, payload
