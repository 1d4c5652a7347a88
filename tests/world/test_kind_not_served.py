"""CASE K18: the API server temporarily does not serve the API version of the runs (CRD upgrade, server start).

It answers 404 for the path, as for a missing object. Only the answer for a missing object means that a run is deleted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from functions.cluster.errors import ClusterError, KindNotServed, NotFound, from_response
from functions.cluster.kinds import CODE_RUN, Kind
from functions.cluster.transport import Request
from functions.runs import api_group
from tests.support.api import Harness, api_server, transport
from tests.support.forwarding import ForwardingTransport
from tests.support.run_steps import DONE, job_event, now, reason, run_event, submitted, swept, working


@dataclass
class Upgrading(ForwardingTransport):
    """A transport to an API server that does not serve the runs while `on` is true."""

    on: bool = False

    def send(self, request: Request) -> Any:
        if self.on and f"/{api_group.GROUP}/" in request.path:
            raise from_response(404, b"404 page not found\n", None)
        return self.inner.send(request)


@pytest.fixture
def upgrading(tmp_path: Path) -> Iterator[Upgrading]:
    with api_server(tmp_path / "state.sqlite") as url:
        yield Upgrading(transport(url, tmp_path))


@pytest.fixture
def world(upgrading: Upgrading) -> Harness:
    return Harness(upgrading, "orchestrator")


def test_run_event_is_redelivered_while_the_kind_is_not_served(world: Harness, upgrading: Upgrading) -> None:
    run = submitted(world, "CodeRun")
    upgrading.on = True
    assert run_event(world, run.raw, "add").code == 503
    upgrading.on = False
    assert run_event(world, run.raw, "add").code == 204
    assert reason(now(world, run)) == "Starting"


def test_job_event_is_redelivered_while_the_kind_is_not_served(world: Harness, upgrading: Upgrading) -> None:
    run, name = working(world, "CodeRun")
    ended = world.job_ends(name, DONE)
    upgrading.on = True
    assert job_event(world, ended).code == 503
    upgrading.on = False
    assert job_event(world, ended).code == 204
    assert reason(now(world, run)) == "Completed"


def test_sweep_answers_503_while_the_kind_is_not_served(world: Harness, upgrading: Upgrading) -> None:
    run = submitted(world, "CodeRun")
    upgrading.on = True
    assert swept(world).code == 503
    upgrading.on = False
    assert swept(world).code in (200, 204)
    assert reason(now(world, run)) == "Starting"


def test_event_of_a_deleted_run_is_acknowledged(world: Harness) -> None:
    run = submitted(world, "CodeRun")
    world.kubelet.patch(CODE_RUN, run.namespace, run.name, {"metadata": {"finalizers": None}})
    world.kubelet.delete(CODE_RUN, run.namespace, run.name, run.uid)
    assert run_event(world, run.raw, "add").code == 204


UNKNOWN_VERSION = Kind("agents.platform/v9", "CodeRun", "coderuns")
UNKNOWN_GROUP = Kind("nowhere.example/v1", "Thing", "things")
UNKNOWN_PLURAL = Kind("v1", "Thing", "things")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (CODE_RUN, NotFound),
        (UNKNOWN_VERSION, KindNotServed),
        (UNKNOWN_GROUP, KindNotServed),
        (UNKNOWN_PLURAL, KindNotServed),
    ],
    ids=lambda each: each.api_version if isinstance(each, Kind) else each.__name__,
)
def test_answer_distinguishes_missing_object_from_kind_not_served(
    world: Harness, kind: Kind, error: type[ClusterError]
) -> None:
    with pytest.raises(ClusterError) as caught:
        world.kubelet.get(kind, "orchestrator", "nobody")
    assert type(caught.value) is error
