"""Watches: initial objects, changes, selectors, bookmarks, and versions to start from."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.apiserver.client import Obj, Server
from tests.contract.apiserver.conftest import new_place
from tests.contract.apiserver.samples import PATHS, Place, config_map, sample
from tests.support import embedded_server


def seen(events: list[Obj]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events if event["type"] != "BOOKMARK"]


def version(place: Place) -> str:
    return str(place.server.get(place.path()).body["metadata"]["resourceVersion"])


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}])
def test_watch_without_a_version_starts_with_existing_objects(place: Place, query: Obj) -> None:
    for name in "ab":
        place.create(sample(name))
    events = place.server.watch(place.path(), **query)
    assert sorted(seen(events)) == [("ADDED", "a"), ("ADDED", "b")]
    assert events[0]["object"]["spec"]["task"] == 1


def test_watch_from_a_version_gives_later_changes(place: Place) -> None:
    place.create(sample("before"))
    since = version(place)
    place.create(sample())
    place.server.patch(place.path(name="a"), {"spec": {"task": 2}})
    place.server.delete(place.path(name="a"))
    events = place.server.watch(place.path(), resourceVersion=since)
    assert seen(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    tasks = [event["object"]["spec"]["task"] for event in events[:3]]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events[:3]]
    assert tasks == [1, 2, 2]
    assert versions == sorted(set(versions))


def test_watch_with_a_selector_shows_objects_that_enter_and_leave_it(place: Place) -> None:
    since = version(place)
    place.create(sample(meta={"labels": {"app": "x"}}))
    for label in ("x2", "x", "x"):
        place.server.patch(place.path(name="a"), {"metadata": {"labels": {"app": label}}})
    place.server.patch(place.path(name="a"), {"spec": {"task": 2}})
    place.server.patch(place.path(name="a"), {"metadata": {"labels": {"app": None}}})
    place.server.delete(place.path(name="a"))
    events = place.server.watch(place.path(), resourceVersion=since, labelSelector="app=x")
    assert [kind for kind, _ in seen(events)] == ["ADDED", "DELETED", "ADDED", "MODIFIED", "DELETED"]
    left = events[1]["object"]["metadata"]
    assert left["labels"] == {"app": "x"}
    assert int(left["resourceVersion"]) > int(events[0]["object"]["metadata"]["resourceVersion"])


def test_watch_of_one_object_by_name(place: Place) -> None:
    since = version(place)
    for name in "ab":
        place.create(sample(name))
    events = place.server.watch(place.path(), resourceVersion=since, fieldSelector="metadata.name=b")
    assert seen(events) == [("ADDED", "b")]


def test_all_namespaces(place: Place) -> None:
    since = version(place)
    other = new_place(place.server)
    place.create(sample("here"))
    other.create(sample("there"))
    events = place.server.watch(f"{PATHS['samples']}/samples", resourceVersion=since)
    assert seen(events) == [("ADDED", "here"), ("ADDED", "there")]


def test_watch_events_arrive_without_delay(place: Place) -> None:
    since = version(place)
    arrived: list[tuple[str, float]] = []

    def follow() -> None:
        for event in place.server.stream(place.path(), resourceVersion=since, timeoutSeconds=10):
            arrived.append((event["object"]["metadata"]["name"], time.monotonic()))
            if event["object"]["metadata"]["name"] == "b":
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    time.sleep(0.3)
    written = {}
    for name in "ab":
        place.create(sample(name))
        written[name] = time.monotonic()
        time.sleep(0.2)
    thread.join(timeout=10)
    assert [name for name, _ in arrived] == ["a", "b"]
    assert all(when - written[name] < 0.15 for name, when in arrived)


def test_bookmark_has_the_version_reached(embedded_place: Place) -> None:
    """The embedded server sends a bookmark at the end of a watch; the real one, about once a minute."""
    place = embedded_place
    since = version(place)
    place.create(config_map(), "configmaps")
    events = place.server.watch(place.path(), resourceVersion=since, allowWatchBookmarks="true")
    (bookmark,) = events
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["kind"] == "Sample"
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) > int(since)
    assert place.server.watch(place.path(), resourceVersion=since) == []


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[Place]:
    """Run an embedded server that keeps a history of five changes."""
    with embedded_server.running(tmp_path / "state.sqlite", history=5) as url:
        yield new_place(Server("embedded", url))


def expired(events: list[Obj]) -> bool:
    (event,) = events
    status = event["object"]
    assert (event["type"], status["kind"], status["code"], status["reason"]) == ("ERROR", "Status", 410, "Expired")
    return str(status["message"]).startswith("too old resource version: ")


def test_watch_from_a_version_older_than_the_history_is_expired(forgetful: Place) -> None:
    since = version(forgetful)
    for name in "abcdef":
        forgetful.create(sample(name))
    assert expired(forgetful.server.watch(forgetful.path(), resourceVersion=since))


def test_real_server_reports_an_expired_version_with_the_same_message(real_server: Server) -> None:
    place = new_place(real_server)
    place.create(sample())
    assert expired(real_server.watch(place.path(), resourceVersion=1))


def test_watch_from_a_version_of_another_database_is_expired(embedded_place: Place) -> None:
    """A version beyond the present one comes from an earlier, deleted database and is never reached."""
    assert expired(embedded_place.server.watch(embedded_place.path(), resourceVersion=99_999_999))


def test_watch_that_falls_behind_the_history_gets_an_error(forgetful: Place) -> None:
    events = forgetful.server.stream(forgetful.path(), timeoutSeconds=5)
    forgetful.create(sample("first"))
    assert next(events)["object"]["metadata"]["name"] == "first"
    big = {"anything": {"text": "x" * 500_000}}
    for number in range(30):  # more than the socket's buffers hold: the server stops sending, history moves on
        forgetful.create(sample(f"more-{number}", **big))
    assert [event["type"] for event in events][-1] == "ERROR"


def test_watch_that_reconnects_misses_no_change(place: Place) -> None:
    """Four concurrent writers, and a watch that reconnects all the time: it ends with the content of a list."""
    since = version(place)
    writers = [threading.Thread(target=_churn, args=[place, number], daemon=True) for number in range(4)]
    for writer in writers:
        writer.start()
    followed: dict[str, Obj] = {}
    quiet = False
    while not quiet:
        over = not any(writer.is_alive() for writer in writers)
        before, since = since, _last(place, since, followed)
        quiet = over and since == before
    items = place.server.get(place.path()).body["items"]
    assert followed == {item["metadata"]["name"]: item["spec"] for item in items}
    assert len(followed) > 0


def _churn(place: Place, writer: int) -> None:
    for step in range(12):
        name = f"w{writer}-{step % 3}"
        place.server.post(place.path(), sample(name))
        place.server.patch(place.path(name=name), {"spec": {"task": step + 1}})
        if step % 4 == 3:
            place.server.delete(place.path(name=name))


def _last(place: Place, since: str, followed: dict[str, Obj]) -> str:
    """Watch for a second and return the version reached."""
    for event in place.server.watch(place.path(), resourceVersion=since):
        if event["type"] == "BOOKMARK":
            continue
        meta = event["object"]["metadata"]
        since = meta["resourceVersion"]
        if event["type"] == "DELETED":
            del followed[meta["name"]]
        else:
            assert (event["type"] == "ADDED") == (meta["name"] not in followed)
            followed[meta["name"]] = event["object"]["spec"]
    return since
