"""`orchestrator runs watch` and `runs list --watch`: follow runs until interrupted.

On a terminal a table is redrawn in place, with what each agent is doing. In a pipe each change is a line.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Group
from rich.text import Text

from functions.clients.output import say
from functions.clients.runs import logs
from functions.clients.runs.event_loop import EventMerger, SourceEnded, ViewEvent
from functions.clients.runs.filters import Wanted
from functions.clients.runs.logs import Line
from functions.clients.runs.lookup import kinds
from functions.clients.runs.run_changes import Change, Changes
from functions.clients.runs.run_table import RunTable
from functions.clients.runs.screen import Screen
from functions.clients.runs.target import ClusterTarget
from functions.cluster.client import Object
from functions.runs import api_group
from functions.runs.model.run import parse
from functions.views import listing, rows
from functions.views.agent_output import SessionTotals, clean, short
from functions.views.titles import title

REDRAW_SECONDS = 1.0
FOOT = "Ctrl-C ends the view, not the runs"

MOST_FOLLOWED = 16
"""Most agents whose logs are read at one time; each takes a thread and a connection."""

MOST_SHOWN = 30
HIDDEN = ("REASON", "AGE", "PR")
"""Columns of the list that make room for what each run is doing."""


class View:
    """Shows runs; what a view does not show, it ignores."""

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


def watch(
    target: ClusterTarget, wanted: Wanted, out: TextIO, *, finished: bool = False, most: int = MOST_SHOWN
) -> None:
    """Show the runs without end; `finished` includes those that had ended before.

    Raises:
        CommandError: the cluster rejected a request.
    """
    view: View = TableView(out, most, finished=finished) if out.isatty() else LineView(out, finished=finished)
    try:
        Overview(target, wanted, view, finished=finished).run()
    finally:
        view.close()


class Overview:
    """Reads runs, and on a terminal the logs of their agents, and shows both."""

    def __init__(self, target: ClusterTarget, wanted: Wanted, view: View, *, finished: bool = False) -> None:
        self._target, self._wanted, self._view, self._finished = target, wanted, view, finished
        self._events = EventMerger(target)
        self._unlisted = {kind.name for kind in kinds(wanted.kind)}
        self._any = False
        self._followed: dict[str, SessionTotals] = {}

    def run(self) -> None:
        """Show changes until interrupted."""
        for kind in kinds(self._wanted.kind):
            place = None if self._wanted.everywhere else self._target.namespace
            changes = Changes(self._target.cluster, kind, place, labels=self._wanted.labels)
            self._events.add_source(kind.name, changes.follow)
        while True:
            self.take(*self._events.next_event(REDRAW_SECONDS))

    def take(self, source: str, event: ViewEvent) -> None:
        """Show one event; raise the error of a source of runs that has ended."""
        match event:
            case Line(note=False) if source in self._followed:
                text = self._followed[source].read(event.text)
                if text:
                    self._view.step(source, text.strip().splitlines()[-1])
            case SourceEnded(error) if error and source not in self._followed:
                raise error
            case SourceEnded():  # without its log a run is still shown
                self._followed.pop(source, None)
            case Change("trouble"):
                self._view.trouble(f"no answer, trying again: {short(event.why)}")
            case Change("listed"):
                self._listed(source)
            case Change():
                self._changed(event)
            case _:
                self._view.refresh()

    def _changed(self, change: Change) -> None:
        if not self._wanted.includes(change.run):
            change = Change("gone", change.run)
        self._any = self._any or (change.what == "is" and (self._finished or not finished(change.run)))
        self._view.show(change)
        uid = change.run["metadata"]["uid"]
        if (
            change.what == "is"
            and isinstance(self._view, TableView)
            and _phase(change.run) == "Running"
            and uid not in self._followed
            and len(self._followed) < MOST_FOLLOWED
        ):
            self._followed[uid] = SessionTotals()
            run = parse(change.run)
            self._events.add_source(uid, lambda: logs.follow(self._target, run, time.sleep))

    def _listed(self, source: str) -> None:
        self._unlisted.discard(source)
        if not self._unlisted:
            what = "runs" if self._finished else "unfinished runs"
            self._view.listed("" if self._any else f"no {what} in namespace {self._target.namespace} yet; {FOOT}")


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
        hidden = before is None and (change.what == "gone" or (finished(run) and not self._finished))
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
        elif uid in self._runs or self._finished or not finished(change.run):
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
    return step if step and _phase(raw) == "Running" else short(rows.text(rows.at(raw, "status", "message")))


def _phase(raw: rows.Raw) -> str:
    return rows.text(rows.at(raw, "status", "phase")) or "Pending"


def finished(raw: Object) -> bool:
    """Return whether the run has ended, by its label or its condition Succeeded."""
    if api_group.FINISHED in (raw["metadata"].get("labels") or {}):
        return True
    conditions = rows.at(raw, "status", "conditions")
    listed = conditions if isinstance(conditions, list) else []
    return any(
        rows.at(condition, "type") == "Succeeded" and rows.at(condition, "status") != "Unknown" for condition in listed
    )


def _line(raw: Object) -> str:
    phase = _phase(raw)
    reason, message = rows.reason(raw), short(rows.text(rows.at(raw, "status", "message")))
    attempt = rows.text(rows.at(raw, "status", "attempt"))
    explanation = ": ".join(filter(None, (reason if reason != phase else "", message)))
    return "  ".join(filter(None, (phase, f"attempt {attempt}" if attempt else "", explanation)))
