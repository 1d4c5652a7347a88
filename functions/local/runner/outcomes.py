"""The outcome of a container, from its shim's report or without one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from functions.local.runner.paths import Layout
from functions.local.runner.records import Outcome, Record

KILLED = 137
"""Exit code of a killed container: 128 + SIGKILL."""

NEVER_STARTED = Outcome()


def exit_code(record: Record, layout: Layout, name: str) -> int:
    """Return the exit code of a container beside the main one; KILLED if its shim did not write one."""
    assert record.pod_uid
    report = _report(layout.container(record.pod_uid, name))
    return int(report["code"]) if report else KILLED


def _report(directory: Path) -> Mapping[str, Any] | None:
    try:
        document: Mapping[str, Any] = json.loads((directory / "exit.json").read_text())
    except FileNotFoundError:
        return None
    return document


def reported_outcome(record: Record, layout: Layout) -> Outcome | None:
    """Return the outcome of the main container that its shim wrote; None if it ended before."""
    assert record.pod_uid
    report = _report(layout.container(record.pod_uid))
    if report is None:
        return None
    return Outcome(
        code=report["code"],
        signal=report["signal"],
        reason=report["reason"],
        message=report["message"],
        started_at=report["startedAt"],
        finished_at=report["finishedAt"],
    )


def lost(record: Record, node: str, now: float) -> Outcome:
    """Return the outcome of a process of an earlier runner that had to be ended: the node was lost."""
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
    """Return the outcome of a container stopped by the shutdown of its node, with the kubelet's text."""
    message = "Pod was terminated in response to imminent node shutdown."
    return replace(outcome, pod_reason="Terminated", pod_message=message)


def killed(record: Record, now: float) -> Outcome:
    """Return the outcome of a container whose shim was killed."""
    return Outcome(code=KILLED, reason="Error", started_at=record.started or now, finished_at=now)
