"""The calls that a function makes for a request, recorded in this process, to be made again for another run.

A call is a JSON object; bare/calls.py makes it. In calls for another run its uid and its number replace those of the
recorded run. Numbers have six digits, so that one replacement in the text of all calls is enough.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from functions import composition
from functions.cluster.client import Cluster
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.cluster.transport import Request, Transport
from functions.events.event import Event
from functions.github.api import transport as github_transport
from functions.github.api.client import Github
from functions.github.api.tokens import AppKey
from functions.queues.backends import connect
from functions.queues.publisher import Publisher
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request as Delivery
from functions.serving.http import answer
from functions.settings.loading import load
from tests.benchmarks.work import Item, Work

Call = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordingCluster:
    """A transport to the API server that records its calls."""

    inner: Transport
    calls: list[Call]

    def send(self, request: Request) -> Any:
        call = {
            "to": "cluster",
            "method": request.method,
            "path": request.path,
            "query": dict(request.query),
            "body": request.body,
            "content_type": request.content_type,
            "accept": request.accept,
            "refused": True,
        }
        self.calls.append(json.loads(json.dumps(call)))
        found = self.inner.send(request)
        self.calls[-1]["refused"] = False
        return found

    def stream(self, request: Request) -> Iterator[Any]:
        raise NotImplementedError("no function watches")


@dataclass(frozen=True, slots=True)
class RecordingQueue:
    """A publisher that records the events."""

    inner: Publisher
    calls: list[Call]

    def publish(self, topic: str, event: Event) -> None:
        attributes = dict(event.get_attributes())
        self.calls.append({"to": "queue", "topic": topic, "attributes": attributes, "data": event.data})
        self.inner.publish(topic, event)


@dataclass(frozen=True, slots=True)
class RecordingGithub:
    """A transport to GitHub that records its calls."""

    inner: github_transport.Transport
    calls: list[Call]

    def send(self, request: github_transport.Request) -> github_transport.Response:
        as_app = request.token.count(".") == 2  # a JSON Web Token; those of an installation have no dots
        call = {"to": "github", "method": request.method, "url": request.url, "body": request.body, "as_app": as_app}
        found = self.inner.send(request)
        self.calls.append({**call, "refused": found.status >= 400})
        return found


@dataclass(frozen=True, slots=True)
class Recording:
    """The calls of a request, and those of the same request once more, about the run of `number` and `uid`."""

    first: list[Call]
    repeated: list[Call]
    number: str
    uid: str = ""

    def calls(self, number: str, uid: str) -> list[list[Call]]:
        """Return both lists of calls for another run. `uid` is empty if the request itself creates the run."""
        text = json.dumps([self.first, self.repeated])
        for name in self._derived_names():
            text = text.replace(name, name[: -len(number)] + number)
        if self.uid:
            text = text.replace(self.uid, uid).replace(self.uid[:5], uid[:5])
        found: list[list[Call]] = json.loads(text.replace(self.number, number))
        return found

    def _derived_names(self) -> set[str]:
        """Return the names of created objects that end in a digest, not in the number."""
        created = [call["body"]["metadata"] for call in self.first if call.get("method") == "POST" and "path" in call]
        return {each["name"] for each in created if "name" in each and self.number not in each["name"]}


def record(work: Work, target: str) -> Recording:
    """Return the calls of a function, after another request was handled, so that shared objects exist."""
    _handle(_dependencies(work, target, []), target, work.items[target]())
    calls, item = list[Call](), work.items[target]()
    deps = _dependencies(work, target, calls)
    _handle(deps, target, item)
    first = [*calls]
    calls.clear()
    _handle(deps, target, item)
    return Recording(first, calls, item.number, item.uid)


def _dependencies(work: Work, target: str, calls: list[Call]) -> Dependencies:
    settings = load(work.environ(target))
    deps = composition.connect(settings)
    cluster = Cluster(RecordingCluster(KubernetesTransport(settings.cluster), calls))
    github = None
    if settings.github.configured:
        key = AppKey(settings.github.app_id, settings.github.key)
        sent = RecordingGithub(github_transport.HttpTransport(), calls)
        github = Github(settings.github.api_url, key, sent, deps.clock)
    queue = RecordingQueue(connect(settings.queues), calls)
    return replace(deps, cluster=cluster, publisher=queue, github=github)


def _handle(deps: Dependencies, target: str, item: Item) -> None:
    handler = import_module(f"functions.handlers.{target}")
    headers = {name.lower(): text for name, text in item.post.headers.items()}
    found = answer(lambda asked: handler.handle(deps, asked), Delivery(headers, item.post.body))
    assert found.code in (200, item.post.code), found
