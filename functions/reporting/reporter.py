"""The protocol of a reporter, and the list of them. One audience is one module and one line in AUDIENCES."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from functions.github.api.errors import Busy
from functions.queues.publisher import PublishError
from functions.reporting.lifecycle import LifecycleReporter
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.storage.isolation import isolate_errors

UNREACHABLE = (Busy, PublishError)
"""Errors by which an audience cannot be reached at the moment, whatever the run."""


class Reporter(Protocol):
    """Reports runs to one audience, and records on the run what was reported."""

    def due(self, run: Run) -> bool:
        """Return whether the event that shows this run is a reason to report it."""
        ...

    def overdue(self, run: Run) -> bool:
        """Return whether the run's events had time to be reported and were not."""
        ...

    def report(self, run: Run) -> Run:
        """Report what is new of the run, as just read; return the run after that. Raises retryable errors."""
        ...

    def close(self, run: Run) -> None:
        """Report that the run is being deleted, in one try. Never raises because of its audience."""
        ...


def _github(deps: Dependencies) -> Reporter | None:
    if deps.github is None:
        return None
    from functions.reporting.github_sync import GithubReporter  # loads what only an installation with an App needs

    return GithubReporter(deps, deps.github)


AUDIENCES: Sequence[Callable[[Dependencies], Reporter | None]] = (LifecycleReporter.connect, _github)
"""In the order in which they are informed."""


def reporters(deps: Dependencies) -> list[Reporter]:
    """Return the reporters of the configured audiences."""
    return [reporter for connect in AUDIENCES if (reporter := connect(deps)) is not None]


class CatchUp:
    """Reports overdue runs during one pass over many runs.

    An audience that cannot be reached is left out for the rest of the pass, so that the pass waits for it only once.
    """

    def __init__(self, deps: Dependencies, audience: Sequence[Reporter]) -> None:
        self._deps, self._reporters = deps, list(audience)

    def report_if_overdue(self, run: Run) -> bool | None:
        """Report the run to every audience for which it is overdue.

        Return whether all of that succeeded, or None if nothing was overdue. Errors are logged.
        """
        results = [
            isolate_errors(run.key, partial(self._report, reporter, run))
            for reporter in [*self._reporters]
            if reporter.overdue(run)
        ]
        return all(results) if results else None

    def _report(self, reporter: Reporter, run: Run) -> None:
        try:
            reporter.report(self._deps.runs.reread(run))
        except UNREACHABLE:
            self._reporters.remove(reporter)
            raise
