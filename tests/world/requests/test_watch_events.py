"""Malformed objects in watch events (K19) are acknowledged with a log line, not redelivered for ever.

Each field of a real Job and of a real run is replaced by each of SHAPES and left out; the event is delivered to every
function that takes watch events.
"""

import copy
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.events.event import Event
from functions.handlers import job_finished, reconcile, report
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer, Request, answer
from tests.conftest import SCALE
from tests.support.api import Harness
from tests.support.run_steps import DONE, event, working

LEFT_OUT = object()
SHAPES: tuple[Any, ...] = (
    None,
    -1.5,
    10**400,
    True,
    "",
    "2026-13-45T99:00:00Z",
    "a/../b?c",
    [0],
    [[]],
    {"a": 1},
    LEFT_OUT,
)
EVERY = 1 if SCALE >= 1 else 3
"""One in this many shapes replaces each field; all shapes are used in turn."""
HANDLERS = {"reconcile": reconcile.handle, "job_finished": job_finished.handle, "report": report.handle}


class DiscardingPublisher:
    """A publisher that stores nothing."""

    def publish(self, topic: str, event: Event) -> None:
        pass


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every field and item."""
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in items:
        yield (*path, name)
        yield from places(value, (*path, name))


def changed(document: Any, path: tuple[Any, ...], shape: Any) -> Any:
    found = copy.deepcopy(document)
    holder = found
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = shape
    if shape is LEFT_OUT:
        del holder[path[-1]]
    return found


def answers(
    deps: Dependencies, handler: Callable[[Dependencies, Request], Answer], raw: Any
) -> Iterator[tuple[Any, ...]]:
    """Yield each change, by path and shape, that is not acknowledged."""
    for number, path in enumerate(places(raw)):
        for shape in SHAPES[number % EVERY :: EVERY]:
            for verb in ("update", "delete"):
                given = answer(lambda request: handler(deps, request), event(changed(raw, path, shape), verb))
                if given.code not in (200, 204):
                    yield ".".join(map(str, path)), shape, verb, given.code


@pytest.fixture
def job(world: Harness) -> Any:
    """Return the Job of a run whose agent ended."""
    _, name = working(world)
    return world.job_ends(name, DONE)


@pytest.fixture(params=HANDLERS)
def handler(request: pytest.FixtureRequest) -> Callable[[Dependencies, Request], Answer]:
    return HANDLERS[request.param]


def test_job_of_any_shape_is_acknowledged(world: Harness, job: Any, handler: Any) -> None:
    deps = replace(world.services, publisher=DiscardingPublisher())
    assert list(answers(deps, handler, job)) == []


def test_run_of_any_shape_is_acknowledged(world: Harness, job: Any, handler: Any) -> None:
    deps = replace(world.services, publisher=DiscardingPublisher())
    (owner,) = job["metadata"]["ownerReferences"]
    raw = deps.runs.get(owner["kind"], world.namespace, owner["name"]).raw
    assert list(answers(deps, handler, raw)) == []


@pytest.mark.parametrize("owners", [{"kind": "CodeRun"}, 7, "x", [7], [None], [[]]], ids=str)
def test_owner_references_of_any_shape_are_logged(
    world: Harness, job: Any, owners: Any, caplog: pytest.LogCaptureFixture
) -> None:
    raw = changed(job, ("metadata", "ownerReferences"), owners)
    with caplog.at_level(logging.WARNING, "orchestrator"):
        given = answer(lambda request: job_finished.handle(world.services, request), event(raw))
    assert given.code == 204
    (record,) = caplog.records
    assert record.__dict__["problems"] == ["data.metadata.ownerReferences: is not that of a Kubernetes object"]
