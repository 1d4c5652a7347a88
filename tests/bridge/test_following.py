"""The bridge publishes every change, on the embedded API server and on a real one.

changes     created, changed, deleted; all three kinds; event ids are uid/resourceVersion
network     connections that are cut, or refused for a while; expired versions
server      a kind whose CRD is applied later
bridges     two at the same time
rights      each right of the bridge's Role is needed (real server)
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from functions.bridge.bridge import TOPIC_BY_KIND
from functions.cluster.kinds import CODE_RUN, DOCS_RUN, JOB, Kind
from functions.cluster.transport import Request, Transport
from tests.bridge.conftest import Bench, Counted, Host, host_of, rules, run, until
from tests.conftest import SCALE
from tests.support import embedded_server, installed
from tests.support.installed import ROOT

BURST = max(20, int(200 * SCALE))
"""Number of runs that are created while connections are cut."""


def test_every_change_of_every_kind_is_published(bench: Bench) -> None:
    for kind in TOPIC_BY_KIND:
        bench.create("there", kind=kind)
    bench.ready_bridge()
    assert {event.type for event in bench.queue.events} == {"dev.knative.apiserver.resource.add"}
    for kind, topic in TOPIC_BY_KIND.items():
        bench.create("a", kind=kind)
        bench.touch("a", kind=kind)
        seen = [item for item in bench.admin.list(kind, bench.namespace) if item["metadata"]["name"] == "a"]
        bench.delete("a", kind=kind)
        until(lambda: deleted(bench, f"/{kind.plural}/a"), f"/{kind.plural}/a")  # noqa: B023  (called at once)
        published = [event for event in bench.queue.events if event.subject.endswith(f"/{kind.plural}/a")]
        assert {event.topic for event in published} == {topic}
        assert sorted(event.verb for event in published if event.verb != "update") == ["add", "delete"], "in any order"
        metadata = seen[0]["metadata"]
        (touched,) = (e for e in published if e.id == f"{metadata['uid']}/{metadata['resourceVersion']}")
        assert touched.data["kind"] == kind.name
        assert touched.data["spec"] == seen[0]["spec"]


def deleted(bench: Bench, subject: str) -> bool:
    return any(event.subject.endswith(subject) and event.verb == "delete" for event in list(bench.queue.events))


def test_jobs_of_others_are_not_published(bench: Bench) -> None:
    bench.ready_bridge()
    other = run(JOB, "not-ours", bench.namespace)
    other["metadata"]["labels"] = {"app": "x"}
    bench.admin.create(JOB, other)
    bench.create("ours", kind=JOB)
    until(lambda: "ours" in bench.queue.names(), "the Job of a run")
    assert bench.queue.names() == {"ours"}


def test_watches_that_are_cut_repeatedly_resume_where_they_stopped(bench: Bench) -> None:
    counted = Counted(bench.transport())
    bench.ready_bridge(transport=counted)
    listed = counted.lists
    for number in range(BURST):
        bench.create(f"r{number}")
        if number % 5 == 0:
            bench.network.cut()
    until(lambda: bench.versions() <= bench.published(), "every run")
    assert counted.lists == listed, "nothing was listed again"
    assert counted.watches > len(TOPIC_BY_KIND)


def test_run_created_while_the_watch_was_down_is_published(bench: Bench) -> None:
    """Predecessor: such a run was never picked up. Changes and deletions are published too."""
    bench.create("changed", "deleted")
    bridge = bench.ready_bridge()
    bench.network.refuse(True)
    until(lambda: not bridge.ready, "the bridge reports the trouble")
    bench.create("created", kind=DOCS_RUN)
    bench.touch("changed")
    bench.delete("deleted")
    bench.network.refuse(False)
    until(lambda: bridge.ready and "created" in bench.queue.names(), "created")
    until(lambda: "changed" in bench.queue.names("update"), "changed")
    until(lambda: "deleted" in bench.queue.names("delete"), "deleted")


@dataclass
class ExpiredWatch:
    """A transport whose second watch starts at an expired version, after a call of `between`."""

    inner: Transport
    between: Callable[[], None]
    watches: int = 0
    lists: int = 0

    def send(self, request: Request) -> Any:
        self.lists += 1
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        self.watches += 1
        if self.watches == 2:
            self.between()
            request = Request(
                request.method, request.path, {**request.query, "resourceVersion": "1"}, timeout=request.timeout
            )
        return self.inner.stream(request)


def verbs_by_name(bench: Bench) -> dict[str, list[str]]:
    """Return the verbs published for each object; events close to each other may arrive in any order."""
    events = list(bench.queue.events)
    return {name: sorted(e.verb for e in events if e.name == name) for name in {event.name for event in events}}


def test_list_after_an_expired_version_publishes_each_change_once(
    real_host: Host, bench_on: Callable[..., Bench]
) -> None:
    bench = bench_on(real_host)
    bench.create("same", "changed", "deleted")

    def meanwhile() -> None:
        bench.create("created")
        bench.touch("changed")
        bench.delete("deleted")

    aged = ExpiredWatch(bench.transport(), meanwhile)
    bench.ready_bridge(topics={CODE_RUN: "runs"}, transport=aged)
    verbs = {"same": ["add"], "changed": ["add", "update"], "deleted": ["add", "delete"], "created": ["add"]}
    until(lambda: verbs_by_name(bench) == verbs, "what changed, and a deletion that no watch saw, each once")
    assert aged.lists == 2
    assert len(bench.published()) == len(bench.queue.events), "event ids are unique"


def test_list_after_a_compacted_history_publishes_changes_and_deletions(
    tmp_path: Path, bench_on: Callable[..., Bench]
) -> None:
    """The embedded server drops its history after so many changes; a real one, after minutes."""
    with embedded_server.running(tmp_path / "state.sqlite", ROOT / "crds", history=5) as url:
        bench = bench_on(host_of(url, tmp_path))
        bench.create("deleted", "changed")
        bridge = bench.ready_bridge()
        bench.network.refuse(True)
        until(lambda: not bridge.ready, "the bridge reports the trouble")
        bench.delete("deleted")
        for number in range(10):
            bench.touch("changed")
            bench.create(f"r{number}")
        bench.network.refuse(False)
        until(lambda: bench.versions() <= bench.published(), "everything as it is now")
        until(lambda: "deleted" in bench.queue.names("delete"), "a deletion that no watch saw")
        assert len([event for event in bench.queue.events if event.name == "changed"]) < 10


SAMPLES = Kind("tests.agents.platform/v1", "Sample", "samples")


CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")


def test_kind_is_watched_once_its_crd_is_applied(real_host: Host, bench_on: Callable[..., Bench]) -> None:
    """Predecessor: 404 for ever. Here health shows it, other kinds are watched, and no restart is needed."""
    everything = [
        {"apiGroups": [SAMPLES.api_version.split("/")[0]], "resources": ["samples"], "verbs": ["list", "watch"]}
    ]
    bench = bench_on(real_host, rules() + everything)
    bridge = bench.bridge(topics={CODE_RUN: "runs", SAMPLES: "runs"})
    until(lambda: bridge.report()["samples"]["trouble"], "the bridge reports the trouble")
    assert bridge.report()["samples"]["trouble"]["cluster"].startswith("KindNotServed")
    until(lambda: bridge.report()["coderuns"]["ready"], "the other kind is watched")
    assert (bridge.ready, bridge.live) == (False, True)
    crd = bench.admin.create(CRD, installed.definition(SAMPLES))
    try:
        until(lambda: bridge.ready, "the kind is there")
        item = {
            "apiVersion": SAMPLES.api_version,
            "kind": "Sample",
            "metadata": {"name": "a", "namespace": bench.namespace},
        }
        bench.admin.create(SAMPLES, item)
        until(lambda: "a" in bench.queue.names(), "its first object")
    finally:
        bench.admin.delete(CRD, None, crd["metadata"]["name"], crd["metadata"]["uid"])


def test_two_bridges_publish_each_event_twice(bench: Bench) -> None:
    bench.ready_bridge()
    bench.ready_bridge()
    writers = [threading.Thread(target=churn, args=(bench, f"w{number}")) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    versions = bench.versions()
    until(lambda: all(sum(e.id == v for e in list(bench.queue.events)) >= 2 for v in versions), "each from both")
    assert all(sum(event.id == each for event in bench.queue.events) == 2 for each in versions)


def churn(bench: Bench, name: str) -> None:
    bench.create(name)
    for _ in range(5):
        bench.touch(name)


RIGHTS = [(r, verb) for rule in rules() for r, verb in itertools.product(rule["resources"], rule["verbs"])]


@pytest.mark.parametrize(("resource", "verb"), RIGHTS)
def test_each_right_of_the_bridge_is_needed(
    real_host: Host, bench_on: Callable[..., Bench], resource: str, verb: str
) -> None:
    """Without one right, the bridge reports the kind as forbidden; other tests here show that all rights suffice."""
    fewer = [
        {
            "apiGroups": rule["apiGroups"],
            "resources": [each],
            "verbs": [v for v in rule["verbs"] if (each, v) != (resource, verb)],
        }
        for rule in rules()
        for each in rule["resources"]
    ]
    bridge = bench_on(real_host, fewer).bridge()
    until(lambda: bridge.report()[resource]["trouble"], "the bridge reports the trouble")
    others = {kind.plural for kind in TOPIC_BY_KIND} - {resource}
    until(lambda: all(bridge.report()[each]["ready"] for each in others), "the others are watched")
    report = bridge.report()[resource]
    assert report["trouble"]["cluster"].startswith("Forbidden")
    assert verb in report["trouble"]["cluster"]
    assert (report["ready"], report["live"]) == (False, True)
