"""Watches: initial objects, changes, selectors, bookmarks, and versions to start from."""

import threading
import time

import pytest

from tests.contract.apiserver.client import Obj, Server
from tests.contract.apiserver.conftest import new_namespace
from tests.contract.apiserver.samples import PATHS, Namespace, config_map, sample


def seen(events: list[Obj]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events if event["type"] != "BOOKMARK"]


def version(namespace: Namespace) -> str:
    return str(namespace.server.get(namespace.path()).body["metadata"]["resourceVersion"])


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}])
def test_watch_without_a_version_starts_with_existing_objects(namespace: Namespace, query: Obj) -> None:
    for name in "ab":
        namespace.create(sample(name))
    events = namespace.server.watch(namespace.path(), **query)
    assert sorted(seen(events)) == [("ADDED", "a"), ("ADDED", "b")]
    assert events[0]["object"]["spec"]["task"] == 1


def test_watch_from_a_version_gives_later_changes(namespace: Namespace) -> None:
    namespace.create(sample("before"))
    since = version(namespace)
    namespace.create(sample())
    namespace.server.patch(namespace.path(name="a"), {"spec": {"task": 2}})
    namespace.server.delete(namespace.path(name="a"))
    events = namespace.server.watch(namespace.path(), resourceVersion=since)
    assert seen(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    tasks = [event["object"]["spec"]["task"] for event in events[:3]]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events[:3]]
    assert tasks == [1, 2, 2]
    assert versions == sorted(set(versions))


def test_watch_with_a_selector_shows_objects_that_enter_and_leave_it(namespace: Namespace) -> None:
    since = version(namespace)
    namespace.create(sample(meta={"labels": {"app": "x"}}))
    for label in ("x2", "x", "x"):
        namespace.server.patch(namespace.path(name="a"), {"metadata": {"labels": {"app": label}}})
    namespace.server.patch(namespace.path(name="a"), {"spec": {"task": 2}})
    namespace.server.patch(namespace.path(name="a"), {"metadata": {"labels": {"app": None}}})
    namespace.server.delete(namespace.path(name="a"))
    events = namespace.server.watch(namespace.path(), resourceVersion=since, labelSelector="app=x")
    assert [kind for kind, _ in seen(events)] == ["ADDED", "DELETED", "ADDED", "MODIFIED", "DELETED"]
    left = events[1]["object"]["metadata"]
    assert left["labels"] == {"app": "x"}
    assert int(left["resourceVersion"]) > int(events[0]["object"]["metadata"]["resourceVersion"])


def test_watch_of_one_object_by_name(namespace: Namespace) -> None:
    since = version(namespace)
    for name in "ab":
        namespace.create(sample(name))
    events = namespace.server.watch(namespace.path(), resourceVersion=since, fieldSelector="metadata.name=b")
    assert seen(events) == [("ADDED", "b")]


def test_watch_of_all_namespaces(namespace: Namespace) -> None:
    since = version(namespace)
    other = new_namespace(namespace.server)
    namespace.create(sample("here"))
    other.create(sample("there"))
    events = namespace.server.watch(f"{PATHS['samples']}/samples", resourceVersion=since)
    assert seen(events) == [("ADDED", "here"), ("ADDED", "there")]


def test_watch_events_arrive_without_delay(namespace: Namespace) -> None:
    since = version(namespace)
    arrived: list[tuple[str, float]] = []

    def follow() -> None:
        for event in namespace.server.stream(namespace.path(), resourceVersion=since, timeoutSeconds=10):
            arrived.append((event["object"]["metadata"]["name"], time.monotonic()))
            if event["object"]["metadata"]["name"] == "b":
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    time.sleep(0.3)
    written = {}
    for name in "ab":
        namespace.create(sample(name))
        written[name] = time.monotonic()
        time.sleep(0.2)
    thread.join(timeout=10)
    assert [name for name, _ in arrived] == ["a", "b"]
    assert all(when - written[name] < 0.15 for name, when in arrived)


def test_bookmark_has_the_version_reached(embedded_namespace: Namespace) -> None:
    """The embedded server sends a bookmark at the end of a watch; the real one, about once a minute."""
    namespace = embedded_namespace
    since = version(namespace)
    namespace.create(config_map(), "configmaps")
    events = namespace.server.watch(namespace.path(), resourceVersion=since, allowWatchBookmarks="true")
    (bookmark,) = events
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["kind"] == "Sample"
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) > int(since)
    assert namespace.server.watch(namespace.path(), resourceVersion=since) == []


def expired(events: list[Obj]) -> bool:
    (event,) = events
    status = event["object"]
    assert (event["type"], status["kind"], status["code"], status["reason"]) == ("ERROR", "Status", 410, "Expired")
    return str(status["message"]).startswith("too old resource version: ")


def test_watch_from_a_version_older_than_the_history_is_expired(forgetful: Namespace) -> None:
    since = version(forgetful)
    for name in "abcdef":
        forgetful.create(sample(name))
    assert expired(forgetful.server.watch(forgetful.path(), resourceVersion=since))


def test_real_server_reports_an_expired_version_with_the_same_message(real_server: Server) -> None:
    namespace = new_namespace(real_server)
    namespace.create(sample())
    assert expired(real_server.watch(namespace.path(), resourceVersion=1))


def test_watch_from_a_version_of_another_database_is_expired(embedded_namespace: Namespace) -> None:
    """A version beyond the present one comes from an earlier, deleted database and is never reached."""
    assert expired(embedded_namespace.server.watch(embedded_namespace.path(), resourceVersion=99_999_999))


def test_watch_that_falls_behind_the_history_gets_an_error(forgetful: Namespace) -> None:
    events = forgetful.server.stream(forgetful.path(), timeoutSeconds=5)
    forgetful.create(sample("first"))
    assert next(events)["object"]["metadata"]["name"] == "first"
    big = {"anything": {"text": "x" * 500_000}}
    for number in range(30):  # more than the socket's buffers hold: the server stops sending, history moves on
        forgetful.create(sample(f"more-{number}", **big))
    assert [event["type"] for event in events][-1] == "ERROR"


def test_watch_that_reconnects_misses_no_change(namespace: Namespace) -> None:
    """Four concurrent writers, and a watch that reconnects all the time: it ends with the content of a list."""
    since = version(namespace)
    writers = [threading.Thread(target=_churn, args=[namespace, number], daemon=True) for number in range(4)]
    for writer in writers:
        writer.start()
    followed: dict[str, Obj] = {}
    quiet = False
    while not quiet:
        over = not any(writer.is_alive() for writer in writers)
        before, since = since, _last(namespace, since, followed)
        quiet = over and since == before
    items = namespace.server.get(namespace.path()).body["items"]
    assert followed == {item["metadata"]["name"]: item["spec"] for item in items}
    assert len(followed) > 0


def _churn(namespace: Namespace, writer: int) -> None:
    for step in range(12):
        name = f"w{writer}-{step % 3}"
        namespace.server.post(namespace.path(), sample(name))
        namespace.server.patch(namespace.path(name=name), {"spec": {"task": step + 1}})
        if step % 4 == 3:
            namespace.server.delete(namespace.path(name=name))


def _last(namespace: Namespace, since: str, followed: dict[str, Obj]) -> str:
    """Watch for a second and return the version reached."""
    for event in namespace.server.watch(namespace.path(), resourceVersion=since):
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
