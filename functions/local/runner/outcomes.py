"""How a container ended, read from what its shim left behind."""

import json
from dataclasses import replace

from functions.local.runner.paths import Layout
from functions.local.runner.records import Outcome, Record

KILLED = 137
"""Exit code of a container that was killed: 128 + SIGKILL."""

NEVER_STARTED = Outcome()


def left_behind(record: Record, layout: Layout) -> Outcome | None:
    """The true outcome, if the shim lived to write it down."""
    assert record.pod_uid
    try:
        found = json.loads((layout.container(record.pod_uid) / "exit.json").read_text())
    except FileNotFoundError:
        return None
    return Outcome(
        code=found["code"],
        signal=found["signal"],
        reason=found["reason"],
        message=found["message"],
        started_at=found["startedAt"],
        finished_at=found["finishedAt"],
    )


def lost(record: Record, node: str, now: float) -> Outcome:
    """The process of an earlier runner was found without its end, and ended: to the cluster, the node was lost."""
    return Outcome(
        code=KILLED,
        reason="ContainerStatusUnknown",
        message="The container could not be located when the pod was terminated",
        started_at=record.started or now,
        finished_at=now,
        pod_reason="NodeLost",
        pod_message=f"Node {node} which was running pod {record.pod} is unresponsive",
    )


def shut_down(outcome: Outcome) -> Outcome:
    """The container was ended because its node goes down, in the kubelet's words."""
    message = "Pod was terminated in response to imminent node shutdown."
    return replace(outcome, pod_reason="Terminated", pod_message=message)


def killed(record: Record, now: float) -> Outcome:
    """The shim itself was killed, so nobody saw the container end."""
    return Outcome(code=KILLED, reason="Error", started_at=record.started or now, finished_at=now)
