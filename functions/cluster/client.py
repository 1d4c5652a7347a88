"""The calls to the Kubernetes API, on plain objects. Each method is one call, except `list`: one per page."""

from collections.abc import Iterator, Mapping
from typing import Any

from functions.cluster.kinds import POD, Kind
from functions.cluster.transport import MERGE_PATCH, METADATA_ONLY, Request, Transport

PAGE = 500
"""Objects per page of a list, as in kubectl."""

Object = dict[str, Any]


class Cluster:
    """One API server. Every method raises the errors of `cluster.errors`; `page` is the objects per page of a list."""

    def __init__(self, transport: Transport, page: int = PAGE) -> None:
        self._transport, self._page = transport, page

    def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        """Return the object at its present version."""
        return self._send("GET", kind.path(namespace, name))

    def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        labels: str = "",
        *,
        fields: str = "",
        metadata_only: bool = False,
        cached: bool = False,
    ) -> Iterator[Object]:
        """Yield the objects that match the selectors, page by page, in one namespace or (None) in all."""
        token = ""
        while True:
            page = self.list_page(
                kind, namespace, labels, token, fields=fields, metadata_only=metadata_only, cached=cached
            )
            token = page["metadata"].get("continue", "")
            yield from page.pop("items")  # freed before the next page is read
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
        cached: bool = False,
    ) -> Object:
        """Return one page: `items`, each with its kind, and `metadata` with resourceVersion and `continue`.

        With `cached` it is all of them, from the API server's cache, which may be seconds behind: what is selected
        must be few, and is read again before it is changed. Other lists with a selector read every object from etcd.
        """
        query = {"labelSelector": labels, "fieldSelector": fields, "continue": token}
        query |= {"resourceVersion": "0"} if cached else {"limit": str(self._page)}  # a server ignores a limit with 0
        given = {key: text for key, text in query.items() if text}
        accept = METADATA_ONLY if metadata_only else "application/json"
        page: Object = self._transport.send(Request("GET", kind.path(namespace), given, accept=accept))
        for item in page["items"]:  # lists of built-in kinds omit both
            item.setdefault("kind", kind.name)
            item.setdefault("apiVersion", kind.api_version)
        return page

    def create(self, kind: Kind, item: Object) -> Object:
        """Create `item` in its namespace; raise AlreadyExists if the name is taken."""
        return self._send("POST", kind.path(item["metadata"].get("namespace")), body=item)

    def replace_status(self, kind: Kind, item: Object) -> Object:
        """Write the whole status of `item`; raise Conflict if its resourceVersion is no longer the present one."""
        metadata = item["metadata"]
        return self._send("PUT", kind.path(metadata["namespace"], metadata["name"], "status"), body=item)

    def patch(
        self, kind: Kind, namespace: str | None, name: str, patch: Mapping[str, Any], subresource: str = ""
    ) -> Object:
        """Apply a JSON merge patch; with metadata.resourceVersion in it, only to that version."""
        return self._send("PATCH", kind.path(namespace, name, subresource), body=patch, content_type=MERGE_PATCH)

    def delete(self, kind: Kind, namespace: str | None, name: str, uid: str, version: str = "") -> None:
        """Delete the object and, in the background, the objects it owns; raise Conflict if the uid is another.

        With `version` also raise Conflict if the object has changed since that resourceVersion.
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
        timeout_seconds: int = 300,
        read_timeout: float = 330.0,
    ) -> Iterator[tuple[str, Object]]:
        """Return an iterator over (ADDED | MODIFIED | DELETED | BOOKMARK | ERROR, object), once the watch is open.

        The server ends it after `timeout_seconds`. Without data for `read_timeout` seconds it raises Unavailable.
        """
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "labelSelector": labels,
            "fieldSelector": fields,
            "timeoutSeconds": str(timeout_seconds),
        }
        given = {key: text for key, text in query.items() if text}
        request = Request("GET", kind.path(namespace), given, timeout=read_timeout)
        return ((event["type"], event["object"]) for event in self._transport.stream(request))

    def log(
        self,
        namespace: str,
        pod: str,
        *,
        container: str = "",
        follow: bool = False,
        since: str = "",
        tail: int | None = None,
        read_timeout: float = 300.0,
    ) -> Iterator[tuple[str, str]]:
        """Return the lines of a container, each as (time in RFC 3339, text); a pod's only one needs no name.

        With `follow` the lines go on until the container ends, the connection is cut, or no data comes for
        `read_timeout` seconds. `since` is the time of an earlier line; lines of the same second are repeated.
        `tail` is the most lines to begin with, the last ones.
        """
        query = {"container": container, "timestamps": "true", "follow": str(follow).lower(), "sinceTime": since}
        query["tailLines"] = "" if tail is None else str(tail)
        request = Request(
            "GET",
            POD.path(namespace, pod, "log"),
            {key: text for key, text in query.items() if text},
            timeout=read_timeout if follow else None,
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
