"""GET: one object, or a list in pages that together are one moment's state."""

import base64
import json
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from functions.local.apiserver import refusals, selectors
from functions.local.apiserver.errors import Obj, StatusError, bad_request, expired
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.requests import Target, number
from functions.local.apiserver.selectors import Selector
from functions.local.apiserver.store import Store

CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You must start a new list "
    "without the continue parameter."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the objects of a collection, as of `version`; `token` continues it, '' at its end."""

    items: list[Obj]
    version: int
    token: str = ""
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a page begins: after this object, in the list as it was at this version."""

    version: int
    namespace: str
    name: str

    def token(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.version, self.namespace, self.name]).encode()).decode()


def selector_of(kind: Kind, query: QueryParams) -> Selector:
    """The selector that a list, a watch or a DELETE of a collection is given."""
    return selectors.parse(kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))


def load(kind: Kind, text: str) -> Obj:
    """A stored object with the defaults that its schema has got since it was written."""
    obj: Obj = json.loads(text)
    if kind.custom:
        kind.rules.admit(obj)
    return obj


class Reader:
    """Reads objects."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, target: Target) -> Obj:
        """One object. Raises StatusError 404."""
        text = self._store.get(target.key)
        if text is None:
            raise refusals.not_found(target.kind, target.key.name)
        return load(target.kind, text)

    def page(self, target: Target, query: QueryParams) -> Page:
        """One page of a collection.

        Raises StatusError 400 (selector, limit, token), 410 (the token is older than the history), 504 (a version
        that is not reached yet).
        """
        kind, store = target.kind, self._store
        limit, selector = number(query, "limit") or 0, selector_of(kind, query)
        after = _parse_token(query.get("continue", ""))
        namespace = target.namespace or None
        if after is None:
            check_version(query.get("resourceVersion", ""), store.version)
            version, texts = store.version, store.bodies(kind.resource, namespace)
        else:
            version, texts = after.version, self._rest(target, after)
        items = [obj for obj in (load(kind, text) for text in texts) if selector.matches(kind, obj)]
        return _page(items if kind.custom else [_untyped(obj) for obj in items], version, limit)

    def _rest(self, target: Target, after: _Position) -> list[str]:
        if after.version < self._store.compacted:
            raise expired(CONTINUE_EXPIRED)
        found = self._store.bodies_at(after.version, target.kind.resource, target.namespace or None)
        return [text for place, text in found.items() if place > (after.namespace, after.name)]


def _untyped(obj: Obj) -> Obj:
    """An item of a list of a built-in kind: it goes without its kind, which the list has."""
    return {field: value for field, value in obj.items() if field not in ("apiVersion", "kind")}


def _page(items: list[Obj], version: int, limit: int) -> Page:
    if limit <= 0 or len(items) <= limit:
        return Page(items, version)
    last = items[limit - 1]["metadata"]
    token = _Position(version, last.get("namespace", ""), last["name"]).token()
    return Page(items[:limit], version, token, len(items) - limit)


def _parse_token(token: str) -> _Position | None:
    if not token:
        return None
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
        return _Position(int(version), str(namespace), str(name))
    except (ValueError, TypeError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from None


def check_version(text: str, present: int) -> int:
    """The resourceVersion of a query; 0 when it is not given.

    Raises StatusError 400, or 504 for a version that the server has not reached.
    """
    if not text:
        return 0
    if not text.isdecimal():
        problem = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(problem)
    if int(text) > present:
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise StatusError(
            504,
            f"Timeout: Too large resource version: {text}, current: {present}",
            reason="Timeout",
            details={"causes": [cause], "retryAfterSeconds": 1},
        )
    return int(text)


def watch_version(query: QueryParams) -> int:
    """The resourceVersion that a watch begins after; 0: with what there is.

    Raises StatusError 400.
    """
    text = query.get("resourceVersion", "")
    return check_version(text, int(text)) if text.isdecimal() else check_version(text, 0)
