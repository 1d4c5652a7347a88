"""A slow GitHub, and a run with many commits to report."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from functions.cluster.kinds import RUNS
from functions.cluster.transport import Request
from functions.github.api.errors import Busy
from functions.runs import github_sync_state
from tests.github.report_bench import FIRST, ON_GITHUB, ReportBench


@dataclass
class Slow:
    """GitHub takes `seconds` for each call, by the test's clock; the cluster takes no time.

    If the caller's timeout is shorter, the call is executed after it only if it is `late`.
    """

    reporting: ReportBench
    seconds: float
    late: bool = False
    calls: int = field(default=0, init=False)

    def send(self, request: Request) -> Any:
        if request.path != ON_GITHUB:
            return self.reporting.both.send(request)
        self.calls += 1
        patience = request.body.timeout_seconds or 15
        self.reporting.world.later(seconds=min(self.seconds, patience))
        if self.seconds <= patience:
            return self.reporting.both.send(request)
        if self.late:
            self.reporting.both.send(request)
        raise Busy("there was no answer in time")

    def stream(self, request: Request) -> Iterator[Any]:
        return self.reporting.both.stream(request)


def with_commits(reporting: ReportBench, count: int) -> None:
    """Give the run another attempt under way, after `count` attempts that ended with a commit each.

    It was synced, but the record of concluded check runs is lost.
    """
    reporting.succeeds()
    reporting.report()
    reporting.asks(contextVersion=2)
    reporting.works()
    run = reporting.run()
    first, *others = run.status.attempts
    earlier = [first.model_copy(update={"commit": f"{number:040x}"}) for number in range(1, count)]
    status = run.status.model_copy(update={"attempts": [*earlier, first, *others]})
    reporting.world.kubelet.replace_status(RUNS[run.kind], run.to_status_update(status))
    reporting.report()
    assert reporting.checks() == {FIRST: ("in_progress", None)}
    forget(reporting)


def forget(reporting: ReportBench) -> None:
    """Invalidate the sync record."""
    run = reporting.run()
    reporting.world.kubelet.patch(RUNS[run.kind], run.namespace, run.name, github_sync_state.invalidate())
