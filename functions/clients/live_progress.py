"""Progress of the demonstration's runs on a terminal: the table of `orchestrator runs list --watch`."""

from typing import TextIO

from functions.clients.runs.run_changes import Change
from functions.clients.runs.run_list_views import HIDDEN, TableView
from functions.cluster.client import Cluster
from functions.local.dev.follow import Progress
from functions.runs.model.run import Run


class LiveProgress(Progress):
    """Draws the table of the runs, with what each agent is doing."""

    def __init__(self, cluster: Cluster, url: str, out: TextIO) -> None:
        super().__init__(cluster, url, out)
        self._view = TableView(out, finished=True, hidden=(*HIDDEN, "COST", "NAME"), foot="")
        self._steps: dict[str, str] = {}

    def show(self, run: Run) -> None:
        """Draw the run."""
        super().show(run)
        self._view.show(Change("is", dict(run.raw)))
        self._view.step(run.uid, self._steps.get(run.uid, ""))

    def line(self, run: Run, what: str, text: str) -> None:
        """Keep what the run is doing; it is drawn with the run, as the threads that follow logs outlive the view."""
        if what != "phase":
            self._steps[run.uid] = text

    def close(self) -> None:
        """Leave the last table on the terminal and show its cursor again."""
        self._view.close()
