"""GET: one object, or a list in pages that all show the same version of the collection."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from starlette.datastructures import QueryParams

from functions.local.apiserver import selectors, status_errors
from functions.local.apiserver.errors import Obj, StatusError, bad_request, expired
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.requests import Target, number
from functions.local.apiserver.selectors import Selector
from functions.local.apiserver.snapshot import Snapshot
from functions.local.apiserver.store import BEGINNING, NamespacedName, Store

CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You must start a new list "
    "without the continue parameter."
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a collection at `version`; `token` is the continue token, '' on the last page."""

    items: list[Obj]
    version: int
    token: str = ""
    remaining: int | None = None
    """How many objects follow; None if unknown because a selector is used."""


@dataclass(frozen=True, slots=True)
class _Position:
    """The start of a page: after this object, in the list at this version."""

    version: int
    after: NamespacedName

    def token(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.version, *self.after]).encode()).decode()


def selector_of(kind: Kind, query: QueryParams) -> Selector:
    """Return the selector of a list or a watch."""
    return selectors.parse(kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))


class Reader:
    """Reads objects."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, target: Target) -> Obj:
        """Return one object; raise StatusError 404."""
        text = self._store.get(target.key)
        if text is None:
            raise status_errors.not_found(target.kind, target.key.name)
        obj: Obj = json.loads(text)
        return obj

    def page(self, target: Target, query: QueryParams) -> Page:
        """Return one page of a collection.

        Raises:
            StatusError: 400 (selector, limit, token), 410 (the token is older than the history), or 504 (a version in
                the future).
        """
        limit, selector = number(query, "limit") or 0, selector_of(target.kind, query)
        begin = _parse_token(query.get("continue", "")) or self._beginning(query)
        if begin.version < self._store.compacted:
            raise expired(CONTINUE_EXPIRED)
        snapshot = self._snapshot(target, begin)
        selected = _selected(target.kind, snapshot.bodies(), selector)
        items = list(islice(selected, limit)) if limit > 0 else list(selected)
        if next(selected, None) is None:
            return Page(_list_items(target.kind, items), begin.version)
        last = items[-1]["metadata"]
        end = _Position(begin.version, NamespacedName(last.get("namespace", ""), last["name"]))
        remaining = None if selector else self._snapshot(target, end).count()
        return Page(_list_items(target.kind, items), begin.version, end.token(), remaining)

    def _beginning(self, query: QueryParams) -> "_Position":
        check_version(query.get("resourceVersion", ""), self._store.version)
        return _Position(self._store.version, BEGINNING)

    def _snapshot(self, target: Target, begin: "_Position") -> Snapshot:
        return Snapshot(self._store, begin.version, target.kind.resource, target.namespace or None, begin.after)


def _selected(kind: Kind, rows: Iterator[tuple[NamespacedName, str]], selector: Selector) -> Iterator[Obj]:
    objects: Iterator[Obj] = (json.loads(text) for _, text in rows)
    return (obj for obj in objects if selector.matches(kind, obj))


def _list_items(kind: Kind, items: list[Obj]) -> list[Obj]:
    """Return the items as lists contain them: those of built-in kinds have no apiVersion and kind."""
    if kind.custom:
        return items
    return [{field: value for field, value in obj.items() if field not in ("apiVersion", "kind")} for obj in items]


def _parse_token(token: str) -> _Position | None:
    if not token:
        return None
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
        return _Position(int(version), NamespacedName(str(namespace), str(name)))
    except (ValueError, TypeError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from None


def check_version(text: str, current: int) -> int:
    """Return the resourceVersion of a query; 0 if it has none.

    Raises:
        StatusError: 400, or 504 for a version that the server has not reached.
    """
    if not text:
        return 0
    if not text.isdecimal():
        problem = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(problem)
    if int(text) > current:
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise StatusError(
            504,
            f"Timeout: Too large resource version: {text}, current: {current}",
            reason="Timeout",
            details={"causes": [cause], "retryAfterSeconds": 1},
        )
    return int(text)


def watch_version(query: QueryParams) -> int:
    """Return the resourceVersion after which a watch begins; 0 begins with the existing objects.

    Raises:
        StatusError: 400.
    """
    text = query.get("resourceVersion", "")
    return check_version(text, int(text)) if text.isdecimal() else check_version(text, 0)
