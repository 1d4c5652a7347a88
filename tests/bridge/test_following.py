"""What reaches the queue, whatever happens on the way; on the embedded API server and on the real one.

changes     created, changed, deleted; all three kinds; ids are uid/resourceVersion
the way     cut in the middle, down for a while, versions that have expired
the server  a kind that is not defined yet, or again
bridges     two at once
rights      those of infra/kubernetes are enough, and each of them is needed (real server)
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
from tests.bridge.conftest import Counted, Host, Stand, host_of, rules, run, until
from tests.conftest import SCALE
from tests.support import embedded_server
from tests.support.installed import ROOT

BURST = max(20, int(200 * SCALE))
"""Runs that are changed while the way is bad."""


def test_every_change_of_every_kind_is_published(stand: Stand) -> None:
    for kind in TOPIC_BY_KIND:
        stand.create("there", kind=kind)
    stand.ready_bridge()
    assert {event.type for event in stand.queue.events} == {"dev.knative.apiserver.resource.add"}
    for kind, topic in TOPIC_BY_KIND.items():
        stand.create("a", kind=kind)
        stand.touch("a", kind=kind)
        seen = [item for item in stand.admin.list(kind, stand.namespace) if item["metadata"]["name"] == "a"]
        stand.delete("a", kind=kind)
        until(lambda: deleted(stand, f"/{kind.plural}/a"), f"/{kind.plural}/a")  # noqa: B023  (called at once)
        published = [event for event in stand.queue.events if event.subject.endswith(f"/{kind.plural}/a")]
        assert {event.topic for event in published} == {topic}
        assert sorted(event.verb for event in published if event.verb != "update") == ["add", "delete"], "in any order"
        metadata = seen[0]["metadata"]
        (touched,) = (e for e in published if e.id == f"{metadata['uid']}/{metadata['resourceVersion']}")
        assert touched.data["kind"] == kind.name
        assert touched.data["spec"] == seen[0]["spec"]


def deleted(stand: Stand, subject: str) -> bool:
    return any(event.subject.endswith(subject) and event.verb == "delete" for event in list(stand.queue.events))


def test_jobs_of_others_are_not_published(stand: Stand) -> None:
    stand.ready_bridge()
    other = run(JOB, "not-ours", stand.namespace)
    other["metadata"]["labels"] = {"app": "x"}
    stand.admin.create(JOB, other)
    stand.create("ours", kind=JOB)
    until(lambda: "ours" in stand.queue.names(), "the Job of a run")
    assert stand.queue.names() == {"ours"}


def test_watches_that_are_cut_repeatedly_resume_where_they_stopped(stand: Stand) -> None:
    counted = Counted(stand.transport())
    stand.ready_bridge(transport=counted)
    listed = counted.lists
    for number in range(BURST):
        stand.create(f"r{number}")
        if number % 5 == 0:
            stand.network.cut()
    until(lambda: stand.versions() <= stand.published(), "every run")
    assert counted.lists == listed, "nothing was listed again"
    assert counted.watches > len(TOPIC_BY_KIND)


def test_a_run_created_while_the_watch_was_down_is_picked_up(stand: Stand) -> None:
    """The predecessor never picked it up; so it is with what was changed and deleted meanwhile."""
    stand.create("changed", "deleted")
    bridge = stand.ready_bridge()
    stand.network.refuse(True)
    until(lambda: not bridge.ready, "it notices")
    stand.create("created", kind=DOCS_RUN)
    stand.touch("changed")
    stand.delete("deleted")
    stand.network.refuse(False)
    until(lambda: bridge.ready and "created" in stand.queue.names(), "created")
    until(lambda: "changed" in stand.queue.names("update"), "changed")
    until(lambda: "deleted" in stand.queue.names("delete"), "deleted")


@dataclass
class Aged:
    """A transport whose second watch of each kind asks for a version from long ago, as after a long silence."""

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


def verbs_by_name(stand: Stand) -> dict[str, list[str]]:
    """Return the verbs published for each object; events close to each other may arrive in any order."""
    events = list(stand.queue.events)
    return {name: sorted(e.verb for e in events if e.name == name) for name in {event.name for event in events}}


def test_after_an_expired_version_a_list_publishes_what_changed(
    real_host: Host, stand_on: Callable[..., Stand]
) -> None:
    stand = stand_on(real_host)
    stand.create("same", "changed", "deleted")

    def meanwhile() -> None:
        stand.create("created")
        stand.touch("changed")
        stand.delete("deleted")

    aged = Aged(stand.transport(), meanwhile)
    stand.ready_bridge(topics={CODE_RUN: "runs"}, transport=aged)
    verbs = {"same": ["add"], "changed": ["add", "update"], "deleted": ["add", "delete"], "created": ["add"]}
    until(lambda: verbs_by_name(stand) == verbs, "what changed, and a deletion that no watch saw, each once")
    assert aged.lists == 2
    assert len(stand.published()) == len(stand.queue.events), "each event has an id of its own"


def test_a_history_that_was_compacted_during_an_outage(tmp_path: Path, stand_on: Callable[..., Stand]) -> None:
    """The embedded server forgets after so many changes; so does a real one, after minutes."""
    with embedded_server.running(tmp_path / "state.sqlite", ROOT / "crds", history=5) as url:
        stand = stand_on(host_of(url, tmp_path))
        stand.create("deleted", "changed")
        bridge = stand.ready_bridge()
        stand.network.refuse(True)
        until(lambda: not bridge.ready, "it notices")
        stand.delete("deleted")
        for number in range(10):
            stand.touch("changed")
            stand.create(f"r{number}")
        stand.network.refuse(False)
        until(lambda: stand.versions() <= stand.published(), "everything as it is now")
        until(lambda: "deleted" in stand.queue.names("delete"), "a deletion that no watch saw")
        assert len([event for event in stand.queue.events if event.name == "changed"]) < 10


SAMPLES = Kind("tests.agents.platform/v1", "Sample", "samples")


def definition() -> dict[str, Any]:
    group, version = SAMPLES.api_version.split("/")
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    names = {"kind": SAMPLES.name, "plural": SAMPLES.plural, "singular": "sample", "listKind": "SampleList"}
    served = {"name": version, "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{SAMPLES.plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [served]},
    }


CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")


def test_crds_not_applied_on_upgrade_are_picked_up_once_they_are(
    real_host: Host, stand_on: Callable[..., Stand]
) -> None:
    """The predecessor answered 404 for ever. Here it shows, the other kinds go on, and no restart is needed."""
    everything = [
        {"apiGroups": [SAMPLES.api_version.split("/")[0]], "resources": ["samples"], "verbs": ["list", "watch"]}
    ]
    stand = stand_on(real_host, rules() + everything)
    bridge = stand.bridge(topics={CODE_RUN: "runs", SAMPLES: "runs"})
    until(lambda: bridge.report()["samples"]["trouble"], "it notices")
    assert bridge.report()["samples"]["trouble"]["cluster"].startswith("KindNotServed")
    until(lambda: bridge.report()["coderuns"]["ready"], "the other kind is watched")
    assert (bridge.ready, bridge.live) == (False, True)
    crd = stand.admin.create(CRD, definition())
    try:
        until(lambda: bridge.ready, "the kind is there")
        item = {
            "apiVersion": SAMPLES.api_version,
            "kind": "Sample",
            "metadata": {"name": "a", "namespace": stand.namespace},
        }
        stand.admin.create(SAMPLES, item)
        until(lambda: "a" in stand.queue.names(), "its first object")
    finally:
        stand.admin.delete(CRD, None, crd["metadata"]["name"], crd["metadata"]["uid"])


def test_two_bridges_only_double_the_hints(stand: Stand) -> None:
    stand.ready_bridge()
    stand.ready_bridge()
    writers = [threading.Thread(target=churn, args=(stand, f"w{number}")) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    versions = stand.versions()
    until(lambda: all(sum(e.id == v for e in list(stand.queue.events)) >= 2 for v in versions), "each from both")
    assert all(sum(event.id == each for event in stand.queue.events) == 2 for each in versions)


def churn(stand: Stand, name: str) -> None:
    stand.create(name)
    for _ in range(5):
        stand.touch(name)


RIGHTS = [(r, verb) for rule in rules() for r, verb in itertools.product(rule["resources"], rule["verbs"])]


@pytest.mark.parametrize(("resource", "verb"), RIGHTS)
def test_each_right_of_the_bridge_is_needed(
    real_host: Host, stand_on: Callable[..., Stand], resource: str, verb: str
) -> None:
    """All of them are enough: every other test on the real server runs with them. Without one the bridge says so."""
    fewer = [
        {
            "apiGroups": rule["apiGroups"],
            "resources": [each],
            "verbs": [v for v in rule["verbs"] if (each, v) != (resource, verb)],
        }
        for rule in rules()
        for each in rule["resources"]
    ]
    bridge = stand_on(real_host, fewer).bridge()
    until(lambda: bridge.report()[resource]["trouble"], "it notices")
    others = {kind.plural for kind in TOPIC_BY_KIND} - {resource}
    until(lambda: all(bridge.report()[each]["ready"] for each in others), "the others are watched")
    report = bridge.report()[resource]
    assert report["trouble"]["cluster"].startswith("Forbidden")
    assert verb in report["trouble"]["cluster"]
    assert (report["ready"], report["live"]) == (False, True)
