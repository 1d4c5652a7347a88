"""Recovery after a crash of the runner: ends leftover processes before new ones start, and records their outcomes."""

import logging

from functions.local.runner.outcomes import lost, reported_outcome
from functions.local.runner.paths import Layout
from functions.local.runner.process import end_leftovers
from functions.local.runner.records import Record, Records

log = logging.getLogger("orchestrator")


def recover(records: Records, layout: Layout, node: str, now: float) -> None:
    """End all processes of an earlier runner; raise RuntimeError if one cannot be ended."""
    for record in records:
        if record.pid is not None and record.outcome is None:
            _settle(record, records, layout, node, now)


def _settle(record: Record, records: Records, layout: Layout, node: str, now: float) -> None:
    """Record the outcome that the shim wrote, or a lost node; without a start, another process may be started."""
    assert record.pod_uid
    assert record.pid is not None
    assert record.started is not None
    if not end_leftovers(record.pid, record.started, layout.roots(record.pod_uid)):
        raise RuntimeError(f"process {record.pid} of pod {record.pod} cannot be ended; end it, then start again")
    outcome = reported_outcome(record, layout)
    if outcome is None and not (layout.container(record.pod_uid) / "started").exists():
        records.never_started(record)
        return
    log.info("pod %s of an earlier runner %s", record.pod, "had already ended" if outcome else "was ended")
    records.ended(record, outcome or lost(record, node, now))
