"""Reports runs on GitHub: pull request, sticky comment and check run (github_sync.py)."""

from functions.reporting import github_sync
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies


def connect(deps: Dependencies) -> "GithubReporter | None":
    """Return the reporter; None if no GitHub App is configured."""
    return GithubReporter(deps) if deps.github else None


class GithubReporter:
    """Reports to the people who look at the issue or the pull request of a run."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    def due(self, run: Run) -> bool:
        """Return whether the event that shows the run like this is a reason to sync."""
        return github_sync.news(self._deps, run)

    def overdue(self, run: Run) -> bool:
        """Return whether a sync is overdue and no process holds the lease."""
        return github_sync.late(self._deps, run)

    def report(self, run: Run) -> Run:
        """Sync GitHub with the run, as just read; return the run. Raises Busy and ClusterError."""
        github_sync.tell(self._deps, run)
        return run

    def close(self, run: Run) -> None:
        """Say on GitHub that the run is deleted, in one try. GitHub's errors are logged."""
        github_sync.close(self._deps, run)
