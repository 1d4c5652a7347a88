"""Reports that the event of a change should have made and did not."""

from functools import partial

from functions.github.api.errors import Busy
from functions.queues.publisher import PublishError
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.serving.reporter_protocol import Reporter
from functions.storage.error_isolation import isolate_errors


class OverdueReports:
    """The reporters of one pass. One whose audience cannot be reached is skipped for the rest of the pass."""

    def __init__(self, deps: Dependencies) -> None:
        self._runs, self._reporters = deps.runs, deps.reporters

    def catch_up(self, run: Run) -> bool | None:
        """Make the overdue reports of a run; return whether all succeeded, None if there were none."""
        overdue = [reporter for reporter in self._reporters if reporter.overdue(run)]
        succeeded = [isolate_errors(run.key, partial(self._report, reporter, run)) for reporter in overdue]
        return all(succeeded) if succeeded else None

    def _report(self, reporter: Reporter, run: Run) -> None:
        try:
            reporter.report(self._runs.reread(run))
        except (PublishError, Busy):
            self._reporters.remove(reporter)
            raise
