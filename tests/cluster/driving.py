"""Deliveries that a function must acknowledge, and runs that do not wait for others."""

import uuid
from typing import Any

from functions.handlers import reconcile, sweep
from functions.runs.model.run import Run
from functions.serving.http import Request, answer
from tests.support.api import Harness
from tests.support.node import SimulatedKubelet
from tests.support.run_steps import event, now, submitted


def deliver(world: Harness, handler: Any, request: Request) -> None:
    assert answer(lambda asked: handler.handle(world.services, asked), request).code in (200, 204)


def swept(world: Harness) -> None:
    deliver(world, sweep, Request({}, b""))


def started(world: Harness, **spec: Any) -> Run:
    service = f"s-{uuid.uuid4().hex[:8]}"
    run = submitted(world, name=f"run-{uuid.uuid4().hex[:8]}", service=service, **spec)
    deliver(world, reconcile, event(run.raw, "add"))
    return now(world, run)


def node(world: Harness) -> SimulatedKubelet:
    assert isinstance(world.node, SimulatedKubelet)
    return world.node


def own(kind: str) -> dict[str, str]:
    """Return a spec field that gives the run its own workspace or directory, so that it waits for no other."""
    return {"service" if kind == "CodeRun" else "workingDirectory": f"own-{uuid.uuid4().hex[:8]}"}
