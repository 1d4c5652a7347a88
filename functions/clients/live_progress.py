"""Progress of the demonstration's runs on a terminal: a line for each run, redrawn in place."""

from datetime import UTC, datetime
from typing import TextIO

from functions.clients.runs.run_table import run_table
from functions.clients.runs.screen import Screen
from functions.cluster.client import Cluster
from functions.local.dev.follow import Progress
from functions.runs.model.run import Run
from functions.views import fleet


class LiveProgress(Progress):
    """Draws title, phase, what the agent is doing, and duration of each run."""

    def __init__(self, cluster: Cluster, url: str, out: TextIO) -> None:
        super().__init__(cluster, url, out)
        self._screen = Screen(out)
        self._runs: dict[str, Run] = {}
        self._steps: dict[str, str] = {}

    def show(self, run: Run) -> None:
        """Draw the run."""
        self._runs[run.uid] = run
        super().show(run)
        self._draw()

    def line(self, run: Run, what: str, text: str) -> None:
        """Keep what the run is doing; it is drawn with the run."""
        if what != "phase":
            self._steps[run.uid] = text

    def finish(self) -> None:
        """Draw the last state, which stays."""
        super().finish()
        self._draw()

    def close(self) -> None:
        """Leave the last block on the terminal and show its cursor again."""
        self._screen.close()

    def _draw(self) -> None:
        heading = ["TITLE", "PHASE", "NOW", "DURATION"]
        rows = [fleet.row(run.raw, None, datetime.now(UTC)) for run in self._runs.values()]
        steps = [self._steps.get(uid, "") for uid in self._runs]
        cells = [[row.title, row.phase, step, row.took] for row, step in zip(rows, steps, strict=True)]
        self._screen.show(run_table([heading, *cells]))
