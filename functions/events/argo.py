"""The payloads of Argo Events that a sensor posts or puts on a queue.

    resource event source   {"type": "ADD|UPDATE|DELETE", "body", "group", "version", "resource"}; `type` in any case
    webhook event source    {"header": {name: [values]}, "body"}: an HTTP request that Argo Events received

The first becomes the watch event that Knative would have sent, so that functions see no difference. The second is
read as the request in it. (Argo Events: Event sources, Resource; Webhook.)
"""

from collections.abc import Mapping
from typing import Any

from functions.events.event import RESOURCE, Event, MalformedError

_VERBS = {"ADD": "add", "UPDATE": "update", "DELETE": "delete"}
_RESOURCE_FIELDS = ("type", "body", "group", "version", "resource")
_WEBHOOK_FIELDS = {"header", "body"}


def is_resource(document: Any) -> bool:
    """Return whether a JSON document is the payload of a resource event source."""
    return isinstance(document, Mapping) and all(field in document for field in _RESOURCE_FIELDS)


def is_webhook(document: Any) -> bool:
    """Return whether a JSON document is the payload of a webhook event source."""
    return (
        isinstance(document, Mapping) and document.keys() == _WEBHOOK_FIELDS and isinstance(document["header"], Mapping)
    )


def inner_request(payload: Mapping[str, Any]) -> tuple[dict[str, str], Any]:
    """Return the headers (lower-case names, first values) and the decoded body of the request in a webhook payload.

    Values are given as WSGI gives those of a request: their UTF-8, read as Latin-1.
    """
    first = {
        name: value[0] if isinstance(value, list) and value else value for name, value in payload["header"].items()
    }
    texts = {name.lower(): value for name, value in first.items() if isinstance(value, str)}
    return {name: value.encode("utf-8", "replace").decode("latin-1") for name, value in texts.items()}, payload["body"]


def watch_event(payload: Mapping[str, Any]) -> Event:
    """Return the watch event of a resource payload; its id is the object's uid and version, as the payload has none.

    Raises:
        MalformedError: names every field that is not that of a watch event.
    """
    verb = _VERBS.get(str(payload["type"]).upper())
    item = payload["body"]
    metadata = item.get("metadata") if isinstance(item, Mapping) else None
    if not verb or not isinstance(metadata, Mapping):
        problems = {"type": not verb, "body.metadata": not isinstance(metadata, Mapping)}
        raise MalformedError(*((field, "is not that of a watch event") for field, wrong in problems.items() if wrong))
    group_version_resource = (payload["group"], payload["version"], payload["resource"])
    return Event(
        id=f"{metadata.get('uid')}/{metadata.get('resourceVersion')}",
        source="argo-events/" + "/".join(str(part) for part in group_version_resource if part),
        type=RESOURCE + verb,
        subject=f"{metadata.get('namespace')}/{metadata.get('name')}",
        data=item,
    )
