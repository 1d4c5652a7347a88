"""After a crash of the runner: ends what it left running before anything new starts, and settles how that ended."""

import logging

from functions.local.runner.outcomes import left_behind, lost
from functions.local.runner.paths import Layout
from functions.local.runner.process import end_left_over
from functions.local.runner.records import Record, Records

log = logging.getLogger("orchestrator")


def recover(records: Records, layout: Layout, node: str, now: float) -> None:
    """Leaves no process of an earlier runner alive. Raises RuntimeError if one would not go."""
    for record in records:
        if record.pid is not None and record.outcome is None:
            _settle(record, records, layout, node, now)


def _settle(record: Record, records: Records, layout: Layout, node: str, now: float) -> None:
    """An end that the shim wrote down is the true one; without a start, another process may be started."""
    assert record.pod_uid
    assert record.pid is not None
    assert record.started is not None
    if not end_left_over(record.pid, record.started, layout.root(record.pod_uid)):
        raise RuntimeError(f"process {record.pid} of pod {record.pod} cannot be ended; end it, then start again")
    outcome = left_behind(record, layout)
    if outcome is None and not (layout.container(record.pod_uid) / "started").exists():
        records.never_started(record)
        return
    log.info("pod %s of an earlier runner: %s", record.pod, "had ended" if outcome else "was ended")
    records.ended(record, outcome or lost(record, node, now))
