"""Pages of a list on the embedded server: all show the state at the start of the list, and each reads few rows.

A page reads the rows that it returns and undoes the changes since the start of the list. Once the history no longer has
these changes, the answer is 410 (test_list.py).
"""

import json
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.reader import Page, Reader
from functions.local.apiserver.requests import Target
from functions.local.apiserver.store import BEGINNING, Key, NamespacedName, Store

KIND = Kind("", "v1", "Thing", "things")


class Counting(Store):
    """A store that counts the rows that it reads."""

    read = 0

    def rows(
        self, resource: str, namespace: str | None, after: NamespacedName = BEGINNING
    ) -> Iterator[tuple[NamespacedName, str]]:
        for row in super().rows(resource, namespace, after):
            self.read += 1
            yield row


def store() -> Counting:
    return Counting(sqlite3.connect(":memory:", isolation_level=None))


def put(found: Store, namespace: str, name: str, task: int = 1) -> None:
    metadata = {"namespace": namespace, "name": name, "uid": f"{namespace}/{name}", "labels": {"odd": str(task % 2)}}
    found.put(Key(KIND.resource, namespace, name), {"metadata": metadata, "task": task})


def delete(found: Store, namespace: str, name: str) -> None:
    key = Key(KIND.resource, namespace, name)
    text = found.get(key)
    if text:
        found.delete(key, json.loads(text))


def page(found: Store, namespace: str = "", **query: object) -> Page:
    target = Target(KIND, namespace, None, None)
    return Reader(found).page(target, QueryParams([(name, str(value)) for name, value in query.items()]))


@pytest.mark.parametrize("namespace", ["", "b"])
def test_page_reads_one_row_more_than_it_returns(namespace: str) -> None:
    found = store()
    for number in range(300):
        put(found, "abc"[number % 3], f"{number:03}")
    token, count = "", len("abc") if not namespace else 1
    for number in range(3):
        found.read = 0
        shown = page(found, namespace, limit=10, **{"continue": token})
        assert (len(shown.items), found.read) == (10, 11)
        assert shown.remaining == 100 * count - 10 * (number + 1)
        token = shown.token


def test_selected_page_stops_reading_when_full_and_has_no_remaining_count() -> None:
    found = store()
    for number in range(300):
        put(found, "a", f"{number:03}", number)
    shown = page(found, limit=10, labelSelector="odd=1")
    assert (len(shown.items), found.read, shown.remaining) == (10, 22, None)
    assert len({item["metadata"]["name"] for item in shown.items}) == 10


PLACES = st.tuples(st.sampled_from("ab"), st.sampled_from("0123456789"))
WRITES = st.lists(st.tuples(PLACES, st.integers(0, 9)), max_size=12)
"""Writes of an object with that number; 0 deletes it."""


def write(found: Store, writes: list[tuple[tuple[str, str], int]]) -> None:
    for (namespace, name), task in writes:
        if task:
            put(found, namespace, name, task)
        else:
            delete(found, namespace, name)


def seen(shown: Page) -> list[tuple[str, str, int]]:
    return [(item["metadata"]["namespace"], item["metadata"]["name"], item["task"]) for item in shown.items]


@given(WRITES, st.lists(WRITES, max_size=6), st.integers(1, 4), st.sampled_from(["", "b"]), st.booleans())
def test_pages_show_the_state_of_the_first_page_after_random_writes(
    before: list[tuple[tuple[str, str], int]],
    between: list[list[tuple[tuple[str, str], int]]],
    limit: int,
    namespace: str,
    selected: bool,
) -> None:
    found = store()
    write(found, before)
    query = {"labelSelector": "odd=1"} if selected else {}
    whole = seen(page(found, namespace, **query))
    shown = page(found, namespace, limit=limit, **query)
    got, writes = seen(shown), iter(between)
    while shown.token:
        assert shown.remaining == (None if selected else len(whole) - len(got))
        write(found, next(writes, []))
        shown = page(found, namespace, limit=limit, **query, **{"continue": shown.token})
        got += seen(shown)
    assert got == whole
