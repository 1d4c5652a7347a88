"""The calls that are made to the Kubernetes API, on plain objects. One method is one call, but for `list`."""

from collections.abc import Iterator, Mapping
from typing import Any

from functions.cluster.kinds import POD, Kind
from functions.cluster.transport import MERGE_PATCH, METADATA_ONLY, Request, Transport

PAGE = 500
"""Objects per page of a list, as kubectl asks for."""

Object = dict[str, Any]


class Cluster:
    """One API server. Every method raises the errors of `cluster.errors`."""

    def __init__(self, transport: Transport, page: int = PAGE) -> None:
        """`page`: objects per page of a list."""
        self._transport, self._page = transport, page

    def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        """The object as it is now."""
        return self._send("GET", kind.path(namespace, name))

    def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        labels: str = "",
        *,
        fields: str = "",
        metadata_only: bool = False,
    ) -> Iterator[Object]:
        """All objects that match the label and field selectors, page by page; `namespace` None spans all."""
        token = ""
        while True:
            page = self.list_page(kind, namespace, labels, token, fields=fields, metadata_only=metadata_only)
            token = page["metadata"].get("continue", "")
            yield from page.pop("items")  # let go before the next page is read
            if not token:
                return

    def list_page(
        self,
        kind: Kind,
        namespace: str | None = None,
        labels: str = "",
        token: str = "",
        *,
        fields: str = "",
        metadata_only: bool = False,
    ) -> Object:
        """One page: `items`, each with its kind, and `metadata` with resourceVersion and `continue`."""
        query = {"limit": str(self._page), "labelSelector": labels, "fieldSelector": fields, "continue": token}
        found = {key: text for key, text in query.items() if text}
        accept = METADATA_ONLY if metadata_only else "application/json"
        page: Object = self._transport.send(Request("GET", kind.path(namespace), found, accept=accept))
        for item in page["items"]:  # a list leaves them out of built-in kinds
            item.setdefault("kind", kind.name)
            item.setdefault("apiVersion", kind.api_version)
        return page

    def create(self, kind: Kind, item: Object) -> Object:
        """Creates `item` in its namespace. Raises AlreadyExists where the name is taken."""
        return self._send("POST", kind.path(item["metadata"].get("namespace")), body=item)

    def replace_status(self, kind: Kind, item: Object) -> Object:
        """Writes the whole status of `item` if it still has the resourceVersion it carries, else Conflict."""
        metadata = item["metadata"]
        return self._send("PUT", kind.path(metadata["namespace"], metadata["name"], "status"), body=item)

    def patch(
        self, kind: Kind, namespace: str | None, name: str, patch: Mapping[str, Any], subresource: str = ""
    ) -> Object:
        """Applies a JSON merge patch; with metadata.resourceVersion in it, only to that version."""
        return self._send("PATCH", kind.path(namespace, name, subresource), body=patch, content_type=MERGE_PATCH)

    def delete(self, kind: Kind, namespace: str | None, name: str, uid: str, version: str = "") -> None:
        """Deletes the object with that uid, at that resourceVersion if one is given, and after it what it owns.

        Raises Conflict where it is another one.
        """
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid, **({"resourceVersion": version} if version else {})},
        }
        self._send("DELETE", kind.path(namespace, name), body=options)

    def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        resource_version: str = "",
        *,
        labels: str = "",
        fields: str = "",
        seconds: int = 300,
        silence: float = 330,
    ) -> Iterator[tuple[str, Object]]:
        """Changes as (ADDED | MODIFIED | DELETED | BOOKMARK | ERROR, object) for at most `seconds`.

        Returns once the server has opened the watch, so that a quiet one is known to be there. A watch that stays
        silent for `silence` seconds is given up with Unavailable.
        """
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "labelSelector": labels,
            "fieldSelector": fields,
            "timeoutSeconds": str(seconds),
        }
        request = Request(
            "GET", kind.path(namespace), {key: text for key, text in query.items() if text}, timeout=silence
        )
        return ((event["type"], event["object"]) for event in self._transport.stream(request))

    def log(
        self, namespace: str, pod: str, *, follow: bool = False, since: str = "", silence: float = 300
    ) -> Iterator[tuple[str, str]]:
        """Lines of a pod's log, each with the time it was written at (RFC 3339), from the first container.

        With `follow` until its container ends, or the connection does, or it says nothing for `silence` seconds;
        `since` is an earlier line's time, whose second is told again.
        """
        query = {"timestamps": "true", "follow": str(follow).lower(), "sinceTime": since}
        request = Request(
            "GET",
            POD.path(namespace, pod, "log"),
            {key: text for key, text in query.items() if text},
            timeout=silence if follow else None,
            text=True,
        )
        lines = (line.partition(" ") for line in self._transport.stream(request))
        return ((stamp, text) for stamp, _, text in lines)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        answer: Object = self._transport.send(Request(method, path, query or {}, body, content_type))
        return answer
