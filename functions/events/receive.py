"""Reads a request once: the event in it, whatever its envelope, or the plain JSON, and whether a queue delivered it.

request                                          envelope
ce-* headers, or application/cloudevents+json    CloudEvents; inside it, Eventarc's around a Pub/Sub message
x-goog-pubsub-* headers alone                    Pub/Sub without wrapping, plain JSON
{"message", "subscription"}                      Pub/Sub, wrapped
{"type", "body", "group", "version", "resource"} Argo Events, resource; also as the plain JSON of a Pub/Sub message
{"header", "body"}                               Argo Events, webhook: read as the request in it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.events import argo, http_binding, pubsub_binding
from functions.events.decoding import try_decode
from functions.events.event import PLAIN_MESSAGE, REFERENCE, RESOURCE, Event, MalformedError

RETRIED = (PLAIN_MESSAGE, RESOURCE, REFERENCE)
"""Prefixes of the event types that only a machine sends."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request whose body was decoded once.

    `headers` have lower-case names; for a request inside an Argo Events payload they are that request's.
    `is_event` is true for an event, also a malformed one, and false for a plain body. `from_queue` says whether a
    machine delivers the request that would, or might, send a rejected one again.
    """

    headers: Mapping[str, str]
    is_event: bool
    from_queue: bool
    _event: Event | MalformedError
    _document: Any
    _problem: MalformedError | None

    def event(self) -> Event:
        """Return the event; raise MalformedError naming every problem if the request carries none."""
        if isinstance(self._event, MalformedError):
            raise self._event
        return self._event

    def document(self) -> Any:
        """Return the JSON of a plain body; raise MalformedError if it is not JSON."""
        if self._problem:
            raise self._problem
        return self._document


def receive(headers: Mapping[str, str], body: bytes) -> Received:
    """Read a request; `headers` have lower-case names. Problems are raised where the event or document is used."""
    document, problem = try_decode(body)
    via_argo = argo.is_webhook(document)
    if via_argo:
        inner_headers, document = argo.inner_request(document)
        headers = {"content-type": "application/json", **inner_headers}
    return Received(
        headers=headers,
        is_event=_is_event(headers, document),
        from_queue=via_argo or _is_from_queue(headers, document),
        _event=(problem if body else None) or _event(headers, document),
        _document=document,
        _problem=problem,
    )


def resolved(event: Event) -> Event:
    """Return the watch event that a plain message carries as a payload of Argo Events; else the event itself."""
    if event.type == PLAIN_MESSAGE and argo.is_resource(event.data):
        return argo.watch_event(event.data)
    return event


def _is_event(headers: Mapping[str, str], document: Any) -> bool:
    return (
        http_binding.matches(headers)
        or pubsub_binding.SUBSCRIPTION in headers
        or pubsub_binding.is_wrapped(document)
        or argo.is_resource(document)
    )


def _is_from_queue(headers: Mapping[str, str], document: Any) -> bool:
    """Return whether the sender repeats a rejected request.

    Every Pub/Sub push, also Eventarc's, is repeated until it is acknowledged or a dead letter. Argo Events with
    `atLeastOnce` never gives up. A broker between Knative's source and this function retries by its own rules, and no
    person reads the answer. A CloudEvent of any other type may come from a person, who gets the error.
    """
    if pubsub_binding.SUBSCRIPTION in headers or headers.get("ce-type", "").startswith(RETRIED):
        return True
    if pubsub_binding.is_wrapped(document) or argo.is_resource(document):
        return True
    event_type = document.get("type") if isinstance(document, Mapping) else None  # structured mode
    return isinstance(event_type, str) and event_type.startswith(RETRIED)


def _event(headers: Mapping[str, str], document: Any) -> Event | MalformedError:
    try:
        return resolved(_outer_event(headers, document))
    except MalformedError as error:
        return error


def _outer_event(headers: Mapping[str, str], document: Any) -> Event:
    if http_binding.matches(headers):
        event = http_binding.from_request(headers, document)
        return pubsub_binding.from_eventarc(event) if event.type == PLAIN_MESSAGE else event
    if pubsub_binding.SUBSCRIPTION in headers:
        return pubsub_binding.from_unwrapped(headers, document)
    if pubsub_binding.is_wrapped(document):
        return pubsub_binding.from_wrapped(document)
    if argo.is_resource(document):
        return argo.watch_event(document)
    return http_binding.from_request(headers, document)  # which names the missing attributes
