"""Jobs whose pods are rejected, on a real API server with the real Job controller.

The functions run as their own user, so that these tests also show their right to read the Job's Events.
"""

from collections.abc import Iterator
from functools import partial

import pytest

from functions.cluster.kinds import EVENT, JOB, Kind
from tests.cluster.driving import started, swept
from tests.support.api import Harness
from tests.support.node import PATIENCE
from tests.support.run_steps import now, reason
from tests.support.waiting import until

QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Kind("v1", "LimitRange", "limitranges")


@pytest.fixture
def no_room(world: Harness) -> Iterator[Harness]:
    """Set a quota of no pods; the test writes its usage, because no quota controller runs."""
    metadata = {"name": "no-pods", "namespace": world.namespace}
    full = {"spec": {"hard": {"pods": "0"}}, "status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}}
    made = world.kubelet.create(QUOTA, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, **full})
    world.kubelet.patch(QUOTA, world.namespace, "no-pods", {"status": full["status"]}, "status")
    yield world
    world.kubelet.delete(QUOTA, world.namespace, "no-pods", made["metadata"]["uid"])


@pytest.fixture
def too_large(world: Harness) -> Iterator[Harness]:
    """Set a LimitRange that is too small for an agent's container."""
    metadata = {"name": "small-pods", "namespace": world.namespace}
    spec = {"limits": [{"type": "Container", "max": {"cpu": "1m"}}]}
    made = world.kubelet.create(
        LIMIT_RANGE, {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": spec}
    )
    yield world
    world.kubelet.delete(LIMIT_RANGE, world.namespace, "small-pods", made["metadata"]["uid"])


def refused(world: Harness, job: str) -> None:
    """Wait until the Job controller has posted that it could not create a pod."""
    about = f"involvedObject.kind=Job,involvedObject.name={job},reason=FailedCreate"
    events = partial(world.kubelet.list, EVENT, world.namespace, fields=about)
    until(lambda: list(events()), PATIENCE, "the Job controller posted no FailedCreate Event", every=0.1)


@pytest.mark.parametrize(
    ("obstacle", "shown", "words", "phase", "parallelism"),
    [
        ("no_room", "Queued", "exceeded quota: no-pods", "Queued", 1),
        ("too_large", "PodRefused", "maximum cpu usage per Container is 1m", "Failed", 0),
    ],
)
def test_rejected_pods_wait_for_a_quota_and_are_given_up_otherwise(
    request: pytest.FixtureRequest, obstacle: str, shown: str, words: str, phase: str, parallelism: int
) -> None:
    world: Harness = request.getfixturevalue(obstacle)
    run = started(world)
    job = run.status.job_name or ""
    refused(world, job)
    world.later(seconds=20)
    swept(world)
    assert reason(now(world, run)) == shown
    assert words in (now(world, run).status.message or "")
    world.later(minutes=16)
    swept(world)
    assert (now(world, run).status.phase, reason(now(world, run))) == (phase, shown)
    assert world.kubelet.get(JOB, world.namespace, job)["spec"]["parallelism"] == parallelism
