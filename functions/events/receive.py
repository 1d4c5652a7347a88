"""One normaliser for whatever arrives: HTTP headers and body to an `Event`.

request                                          envelope
ce-* headers, or application/cloudevents+json    CloudEvents; inside it, Eventarc's around a Pub/Sub message
x-goog-pubsub-* headers alone                    Pub/Sub without wrapping, plain JSON
{"message", "subscription"}                      Pub/Sub, wrapped
{"type", "body", "group", "version", "resource"} Argo Events; also as the plain JSON of a Pub/Sub message
"""

from collections.abc import Mapping
from typing import Any

from functions.events.decoding import decode_loosely, encodable
from functions.events.envelopes import argo, cloudevents, pubsub
from functions.events.event import PLAIN_MESSAGE, REFERENCE, RESOURCE, Event, MalformedError


def normalise(headers: Mapping[str, str], body: bytes) -> Event:
    """The event in a request; `headers` have lower-case names.

    Raises:
        MalformedError: with every problem, each named by attribute.
    """
    found = _opened(headers, body)
    return argo.opened(found.data) if found.type == PLAIN_MESSAGE and argo.is_one(found.data) else found


def is_event(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a request carries an event, and not a plain body; `headers` have lower-case names."""
    return cloudevents.is_one(headers) or pubsub.SUBSCRIPTION in headers or pubsub.is_wrapped(_document(body))


def from_queue(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a machine delivers the request that would, or might, send a refused one again.

    So it is for every Pub/Sub push, also Eventarc's: anything but an acknowledgement comes again until it is a dead
    letter, or for ever without a policy for those. Argo Events with `atLeastOnce` never gives up either. A broker
    between Knative's source and us retries by rules of its own, and nobody reads the answer. A CloudEvent of any
    other type may have been posted by a person, who is told what is wrong with it.
    """
    if pubsub.SUBSCRIPTION in headers:
        return True
    if headers.get("ce-type", "").startswith((PLAIN_MESSAGE, RESOURCE, REFERENCE)):
        return True
    document = _document(body)
    return pubsub.is_wrapped(document) or argo.is_one(document) or _watched(document)


def _opened(headers: Mapping[str, str], body: bytes) -> Event:
    if cloudevents.is_one(headers):
        event = cloudevents.opened(headers, body)
        return _from_eventarc(event) if event.type == PLAIN_MESSAGE else event
    if pubsub.SUBSCRIPTION in headers:
        return pubsub.plain(headers, body)
    document = _document(body)
    if pubsub.is_wrapped(document):
        return pubsub.unwrapped(encodable(document, body))
    if argo.is_one(document):
        return argo.opened(encodable(document, body))
    return cloudevents.opened(headers, body)  # which says what is missing


def _from_eventarc(event: Event) -> Event:
    if not isinstance(event.data, Mapping):
        raise MalformedError(("data", "must be a JSON object with a Pub/Sub message"))
    return pubsub.unwrapped(event.data, outer=event)


def _document(body: bytes) -> Any:
    """What shows which envelope it is; who sent a body that must be refused is told by it too."""
    try:
        return decode_loosely(body)
    except MalformedError:
        return None


def _watched(document: Any) -> bool:
    """Whether it is a watch event, or Eventarc's, in structured mode."""
    kind = document.get("type") if isinstance(document, Mapping) else None
    return isinstance(kind, str) and kind.startswith((PLAIN_MESSAGE, RESOURCE, REFERENCE))
