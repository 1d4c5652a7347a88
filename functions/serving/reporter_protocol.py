"""An audience that is kept informed about runs. The composition root lists them (functions/composition.py)."""

from typing import Protocol

from functions.runs.model.run import Run


class Reporter(Protocol):
    """Keeps one audience informed about runs."""

    def due(self, run: Run) -> bool:
        """Return whether the event that shows the run like this is a reason to report."""
        ...

    def overdue(self, run: Run) -> bool:
        """Return whether the event of a change should have led to a report by now and did not."""
        ...

    def report(self, run: Run) -> Run:
        """Report what the audience lacks, as just read; return the run after it.

        Raises:
            PublishError, Busy: the audience cannot be reached; the same call later continues.
            ClusterError: the report may be made and not recorded; it is then made again.
        """
        ...

    def close(self, run: Run) -> None:
        """Make the last report of a run that is being deleted, in one try. Its deletion does not wait for more."""
        ...
