"""Argo Events' resource event source: {"type": "ADD|UPDATE|DELETE", "body", "group", "version", "resource"}.

A sensor posts it as it is, or puts it on a queue. It becomes the watch event that Knative would have sent, so that
the functions cannot tell them apart. (Argo Events: Event sources, Resource; `type` may be any case.)
"""

from collections.abc import Mapping
from typing import Any

from functions.events.event import RESOURCE, Event, MalformedError

_VERBS = {"ADD": "add", "UPDATE": "update", "DELETE": "delete"}
_MARKS = ("type", "body", "group", "version", "resource")


def is_one(document: Any) -> bool:
    """Whether a JSON document is such a payload."""
    return isinstance(document, Mapping) and all(mark in document for mark in _MARKS)


def opened(payload: Mapping[str, Any]) -> Event:
    """The watch event in the payload; its id is the object's version, since the payload has none.

    Raises:
        MalformedError: with every problem, each named by field.
    """
    verb = _VERBS.get(str(payload["type"]).upper())
    item = payload["body"]
    metadata = item.get("metadata") if isinstance(item, Mapping) else None
    if not verb or not isinstance(item, Mapping) or not isinstance(metadata, Mapping):
        named = {"type": not verb, "body.metadata": not isinstance(metadata, Mapping)}
        raise MalformedError(*((field, "is not that of a watch event") for field, wrong in named.items() if wrong))
    place = (payload["group"], payload["version"], payload["resource"])
    return Event(
        id=f"{metadata.get('uid')}/{metadata.get('resourceVersion')}",
        source="argo-events/" + "/".join(str(part) for part in place if part),
        type=RESOURCE + verb,
        subject=f"{metadata.get('namespace')}/{metadata.get('name')}",
        data=item,
    )
