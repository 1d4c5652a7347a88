"""The streams of runs: the log of a pod over cut connections, and the changes of runs.

pod log   each line once, in order, over cuts, also within one second; ends with the pod
changes   list, watch, bookmark; after 410 a new list reports changes and deletions; a cut watch continues
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from functions.clients.runs.run_changes import Changes
from functions.cluster.client import Cluster
from functions.cluster.errors import Forbidden, Gone, NotFound, Unavailable
from functions.cluster.kinds import CODE_RUN
from functions.cluster.pod_log import PodLog, Portion, started
from functions.cluster.transport import Request


class Script:
    """A transport with scripted answers, which raises those that are errors, and records watch and log requests."""

    def __init__(self, *streams: Sequence[Any], pods: Sequence[Any] = (), pages: Sequence[Any] = ()) -> None:
        self._streams, self._pods, self._pages = iter(streams), iter(pods), iter(pages)
        self.asked: list[Request] = []

    def send(self, request: Request) -> Any:
        answer = next(self._pages if request.path.endswith("coderuns") else self._pods)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stream(self, request: Request) -> Iterator[Any]:
        self.asked.append(request)
        return _play(next(self._streams))


def _play(items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


POD = {"metadata": {"namespace": "orchestrator", "name": "pod-1"}}
RUNNING, ENDED = {"status": {"phase": "Running"}}, {"status": {"phase": "Succeeded"}}
CUT = Unavailable("the stream was cut")


def stamped(moment: str, text: str) -> str:
    return f"2026-01-02T03:04:{moment}Z {text}"


def test_a_cut_log_continues_with_each_line_once() -> None:
    one, two, three = stamped("05.1", "one"), stamped("05.1", "two"), stamped("05.9", "three")
    four, five = stamped("06", "four"), stamped("06.5", "five")
    script = Script(
        [one, two, CUT], [one, two, three, CUT], [one, two, three, four], [four, five], pods=[RUNNING, ENDED]
    )
    pauses: list[float] = []
    assert list(PodLog(Cluster(script), POD, pauses.append).follow()) == ["one", "two", "three", "four", "five"]
    since = [request.query.get("sinceTime") for request in script.asked]
    assert since == [None, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"]
    assert pauses == [0.2, 0.2, 0.2]


def test_a_log_with_since_and_tail_continues_after_a_cut() -> None:
    script = Script([stamped("05.1", "a"), CUT], [stamped("05.1", "a"), stamped("06", "b")], pods=[ENDED])
    log = PodLog(Cluster(script), POD, lambda _: None, Portion("2026-01-02T03:04:00Z", 1))
    assert list(log.follow()) == ["a", "b"]
    asked = [(request.query["sinceTime"], request.query.get("tailLines")) for request in script.asked[:2]]
    assert asked == [("2026-01-02T03:04:00Z", "1"), ("2026-01-02T03:04:05Z", None)]


def test_the_log_of_a_pod_with_sidecars_is_the_agents_and_ends_with_it() -> None:
    """CASES K3: another container may keep the pod running."""
    containers = [{"name": "proxy"}, {"name": "agent"}]
    annotations = {"kubectl.kubernetes.io/default-container": "agent"}
    pod = {"metadata": {**POD["metadata"], "annotations": annotations}, "spec": {"containers": containers}}
    running: dict[str, Any] = {"running": {}}
    ended: dict[str, Any] = {"terminated": {"exitCode": 0}}

    def states(proxy: Any, agent: Any) -> Any:
        statuses = [{"name": "agent", "state": agent}, {"name": "proxy", "state": proxy}]
        return {**pod, "status": {"phase": "Running", "containerStatuses": statuses}}

    assert not started(states(running, {"waiting": {}}))
    assert started(states({"waiting": {}}, running))
    script = Script(
        [stamped("05", "one")], [stamped("06", "two")], pods=[states(ended, running), states(running, ended)]
    )
    assert list(PodLog(Cluster(script), pod, lambda _: None).follow()) == ["one", "two"]
    assert [request.query["container"] for request in script.asked] == ["agent", "agent"]


def test_an_idle_log_is_polled_with_growing_pauses() -> None:
    pauses: list[float] = []
    script = Script(*[[]] * 7, pods=[RUNNING] * 6 + [ENDED])
    assert list(PodLog(Cluster(script), POD, pauses.append).follow()) == []
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]


def test_the_log_of_a_deleted_pod_ends_with_not_found() -> None:
    log = PodLog(Cluster(Script([stamped("05", "one")], pods=[NotFound("gone")])), POD, lambda _: None).follow()
    assert next(log) == "one"
    with pytest.raises(NotFound):
        next(log)


@pytest.mark.parametrize(
    ("status", "has_log"),
    [
        ({}, False),
        ({"phase": "Pending"}, False),
        ({"containerStatuses": [{"state": {"waiting": {}}}]}, False),
        ({"containerStatuses": [{"state": {"running": {}}}]}, True),
        ({"phase": "Running", "containerStatuses": [{"state": {"terminated": {}}}]}, True),
        ({"phase": "Failed"}, True),
    ],
)
def test_a_pod_has_a_log_after_its_container_has_started(status: Any, has_log: bool) -> None:
    assert started({"status": status}) is has_log


def item(name: str, version: str) -> dict[str, Any]:
    return {"kind": "CodeRun", "metadata": {"name": name, "uid": f"u-{name}", "resourceVersion": version}}


def page(version: str, *items: Any, token: str = "") -> dict[str, Any]:
    return {"metadata": {"resourceVersion": version, "continue": token}, "items": list(items)}


def event(verb: str, name: str, version: str) -> dict[str, Any]:
    return {"type": verb, "object": item(name, version)}


EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}


def test_changes_are_reported_over_bookmarks_cuts_and_lost_history() -> None:
    script = Script(
        [event("ADDED", "b", "11"), event("BOOKMARK", "", "20")],
        [event("MODIFIED", "a", "21"), CUT],
        [EXPIRED],
        [event("DELETED", "c", "41")],
        [Forbidden("no longer")],
        pages=[page("10", item("a", "1"), token="t"), page("10"), page("40", item("a", "21"), item("c", "30"))],
    )
    changes: list[tuple[str, str]] = []

    def follow() -> None:
        for change in Changes(Cluster(script), CODE_RUN, "orchestrator", pause=lambda _: None).follow():
            changes.append((change.what, change.run["metadata"]["name"] if change.run else change.why))

    with pytest.raises(Forbidden):
        follow()
    assert changes == [
        ("is", "a"), ("listed", ""), ("is", "b"), ("is", "a"), ("trouble", "the stream was cut"),
        ("is", "c"), ("gone", "b"), ("listed", ""), ("gone", "c"),
    ]  # fmt: skip
    assert [request.query["resourceVersion"] for request in script.asked] == ["10", "20", "21", "40", "41"]


def test_a_list_that_fails_with_410_is_repeated() -> None:
    changes = Changes(
        Cluster(Script([], pages=[Gone("old"), page("5", item("a", "1"))])), CODE_RUN, "x", pause=lambda _: None
    )
    assert next(iter(changes.follow())).run["metadata"]["name"] == "a"


def test_one_run_is_watched_by_its_name() -> None:
    script = Script([event("MODIFIED", "a", "2")], pages=[page("1", item("a", "1"))])
    changes = Changes(Cluster(script), CODE_RUN, "x", "a", pause=lambda _: None).follow()
    assert [next(changes).what, next(changes).what] == ["is", "is"]
    assert script.asked[0].query["fieldSelector"] == "metadata.name=a"


def test_a_missing_run_is_reported_as_gone() -> None:
    change = next(iter(Changes(Cluster(Script(pages=[page("1")])), CODE_RUN, "x", "a").follow()))
    assert (change.what, change.run["metadata"]["name"]) == ("gone", "a")
