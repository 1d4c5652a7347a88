"""The views of many runs: a line for each change in a pipe, a table that is redrawn in place on a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar, TextIO

from rich.console import Group
from rich.text import Text

from functions.clients.output import say
from functions.clients.runs.run_changes import Change
from functions.clients.runs.run_table import RunTable
from functions.clients.runs.screen import Screen
from functions.cluster.client import Object
from functions.views import listing, rows
from functions.views.agent_output import clean, short
from functions.views.titles import title

FOOT = "Ctrl-C ends the view, not the runs"
MOST_SHOWN = 30
HIDDEN = ("REASON", "AGE", "PR")
"""Columns of the list that make room for what each run is doing."""


class View:
    """Shows runs; what a view does not show, it ignores."""

    shows_steps: ClassVar[bool] = False
    """Whether it shows what agents are doing, which is read from their logs."""

    def show(self, change: Change) -> None:
        """Show a change of a run."""

    def step(self, uid: str, text: str) -> None:
        """Show what the agent of a run is doing."""

    def listed(self, nothing: str) -> None:
        """Show that all runs are known; `nothing` says that there are none."""

    def trouble(self, text: str) -> None:
        """Show a problem that is retried."""

    def refresh(self) -> None:
        """Update durations."""

    def close(self) -> None:
        """Leave the terminal."""


class LineView(View):
    """Prints a line for each change of a run's phase, reason, message or attempt.

    Runs that were finished at the start are shown only on request.
    """

    def __init__(self, out: TextIO, *, finished: bool = False) -> None:
        self._out, self._finished = out, finished
        self._shown: dict[str, str] = {}

    def show(self, change: Change) -> None:
        """Write the run's line if it has changed."""
        run = change.run
        uid, line = run["metadata"]["uid"], "deleted" if change.what == "gone" else _line(run)
        before = self._shown.get(uid)
        if change.what == "gone":
            self._shown.pop(uid, None)
        else:
            self._shown[uid] = line
        hidden = before is None and (change.what == "gone" or (rows.is_finished(run) and not self._finished))
        if before != line and not hidden:
            print(f"{listing.reference(run)}  {title(run)}  {line}", file=self._out, flush=True)

    def listed(self, nothing: str) -> None:
        """Say on standard error if there is nothing to show yet."""
        if nothing:
            say(nothing)

    def trouble(self, text: str) -> None:
        """Write the text to standard error."""
        say(text)


class TableView(View):
    """A line for each run on a terminal: those that are unfinished, or were when the view began."""

    shows_steps = True

    def __init__(
        self,
        out: TextIO,
        most: int = MOST_SHOWN,
        *,
        finished: bool = False,
        hidden: Sequence[str] = HIDDEN,
        foot: str = FOOT,
    ) -> None:
        self._screen = Screen(out)
        self._hidden = hidden
        self._most, self._finished = most, finished
        self._runs: dict[str, Object] = {}
        self._steps: dict[str, str] = {}
        self._foot = self._usual_foot = foot

    def show(self, change: Change) -> None:
        """Add, update or remove the run, and draw."""
        uid = change.run["metadata"]["uid"]
        if change.what == "gone":
            self._runs.pop(uid, None)
        elif uid in self._runs or self._finished or not rows.is_finished(change.run):
            self._runs[uid] = change.run
        self._foot = self._usual_foot
        self.refresh()

    def step(self, uid: str, text: str) -> None:
        """Draw what the agent of a run is doing."""
        self._steps[uid] = short(clean(text))
        self.refresh()

    def listed(self, nothing: str) -> None:
        """Draw if there is nothing to show yet."""
        self._foot = nothing or self._usual_foot
        self.refresh()

    def trouble(self, text: str) -> None:
        """Draw the text in the last line until the next change."""
        self._foot = clean(text)
        self.refresh()

    def refresh(self) -> None:
        """Draw the current durations."""
        room = max(1, min(self._most, self._screen.height - 3))
        runs = rows.newest_first(self._runs.values())
        hidden = f"{len(runs) - room} more; " if len(runs) > room else ""
        foot = Text(hidden + self._foot, style="dim", no_wrap=True, overflow="ellipsis")
        self._screen.show(Group(RunTable(self._cells(runs[:room])), foot) if runs else foot)

    def close(self) -> None:
        """Leave the terminal."""
        self._screen.close()

    def _cells(self, runs: list[rows.Raw]) -> list[list[str]]:
        """Return the cells of the table: what each run is doing stands in place of how old it is."""
        heading, *lines = listing.cells(runs, datetime.now(UTC))
        wanted = [at for at, name in enumerate(heading) if name not in self._hidden]
        steps = [_now(raw, self._steps.get(raw["metadata"]["uid"], "")) for raw in runs]
        shown = [[line[at] for at in wanted] for line in (heading, *lines)]
        return [[*row[:2], step, *row[2:]] for row, step in zip(shown, ("NOW", *steps), strict=True)]


def _now(raw: rows.Raw, step: str) -> str:
    """Return what a running agent is doing; of any other run its message."""
    return step if step and rows.phase(raw) == "Running" else short(rows.text(rows.at(raw, "status", "message")))


def _line(raw: Object) -> str:
    phase = rows.phase(raw)
    reason, message = rows.reason(raw), short(rows.text(rows.at(raw, "status", "message")))
    attempt = rows.text(rows.at(raw, "status", "attempt"))
    explanation = ": ".join(filter(None, (reason if reason != phase else "", message)))
    return "  ".join(filter(None, (phase, f"attempt {attempt}" if attempt else "", explanation)))
