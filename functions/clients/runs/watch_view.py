"""`orchestrator runs watch NAME`: follow one run until it ends.

On a terminal the view is redrawn in place. In a pipe each change and each line of the agent's output is a line.
"""

import time
from collections import deque
from datetime import UTC, datetime
from typing import TextIO

from functions.clients.errors import CommandError
from functions.clients.output import say
from functions.clients.runs import logs
from functions.clients.runs.event_loop import EventMerger, SourceEnded, ViewEvent
from functions.clients.runs.logs import Line
from functions.clients.runs.run_changes import Change, Changes
from functions.clients.runs.screen import Screen
from functions.clients.runs.target import ClusterTarget
from functions.cluster.kinds import RUNS
from functions.runs.lifecycle import states
from functions.runs.model.run import Run, parse
from functions.views import details, formatting, rows
from functions.views.agent_output import SessionTotals, clean, short
from functions.views.titles import heading

REDRAW_SECONDS = 1.0
"""Seconds between updates of durations on a terminal."""

OUTPUT_LINES = 8
"""Lines of the agent's output that a terminal shows."""

FOOT = "Ctrl-C ends the view, not the run"

LOG_SECONDS = 5.0
"""Seconds to wait for the end of the log after the run has ended."""


class RunView:
    """A run, with the totals of its attempts from their logs."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.totals: dict[int, SessionTotals] = {}

    @property
    def finished(self) -> bool:
        """Whether the run has ended."""
        return states.state(self.run.status) in states.FINISHED

    def read(self, line: Line) -> str:
        """Add a line of a log to the totals; return it as readable text."""
        return self.totals.setdefault(line.attempt, SessionTotals()).read(line.text)

    @property
    def status_line(self) -> str:
        """Phase, reason and message."""
        status = self.run.status
        reason = status.succeeded.reason if status.succeeded else ""
        phase = status.phase or "Pending"
        explanation = ": ".join(
            filter(None, (reason if reason != phase else "", short(clean(status.message or ""), 300)))
        )
        return f"{phase:<10} {explanation}".rstrip()

    @property
    def usage(self) -> str:
        """Usage so far: ended attempts from the status, the open one from its log."""
        used, attempt = self.run.status.usage, self.run.status.open_attempt
        totals = self.totals.get(attempt.attempt, SessionTotals()) if attempt else SessionTotals()
        cost = (used.cost_usd if used else 0) + (totals.cost_usd or 0)
        turns = (used.turns if used else 0) + totals.turns
        tokens = (used.output_tokens if used else 0) + totals.output_tokens
        return f"{formatting.dollars(cost)} so far, {turns} turns, {tokens} tokens written"


class View:
    """Shows a run; what a view does not show, it ignores."""

    def changed(self) -> None:
        """Show that the run has changed."""

    def agent_output(self, text: str) -> None:
        """Show output of the agent or of the container script."""

    def trouble(self, text: str) -> None:
        """Show a problem that is retried."""

    def refresh(self) -> None:
        """Update durations."""

    def finish(self) -> None:
        """Show the final state."""

    def close(self) -> None:
        """Leave the terminal."""


def watch(target: ClusterTarget, run: Run, out: TextIO) -> Run:
    """Show the run until it has ended; return its final version.

    Raises:
        CommandError: the run was deleted, or the cluster rejected a request.
    """
    view_model = RunView(run)
    view: View = TerminalView(view_model, out) if out.isatty() else LineView(view_model, out)
    events = EventMerger(target)
    events.add_source("run", Changes(target.cluster, RUNS[run.kind], run.namespace, run.name).follow)
    events.add_source("log", lambda: logs.follow(target, run, time.sleep))
    try:
        _follow(view_model, view, events)
    finally:
        view.close()
    return view_model.run


def _follow(view_model: RunView, view: View, events: EventMerger) -> None:
    view.changed()
    log_ended, deadline = False, float("inf")
    while not (view_model.finished and (log_ended or time.monotonic() > deadline)):
        source, event = events.next_event(REDRAW_SECONDS)
        _show(view_model, view, source, event)
        log_ended = log_ended or (source == "log" and isinstance(event, SourceEnded))
        deadline = min(deadline, time.monotonic() + LOG_SECONDS) if view_model.finished else float("inf")
    view.finish()


def _show(view_model: RunView, view: View, source: str, event: ViewEvent) -> None:
    match event:
        case Change("gone"):
            raise CommandError(f"run {view_model.run.name} was deleted")
        case Change("trouble"):
            view.trouble(f"no answer, trying again: {short(event.why)}")
        case Change("is"):
            view_model.run = parse(event.run)
            view.changed()
        case Line(note=False):
            view.agent_output(view_model.read(event))
        case SourceEnded(CommandError() as error) if source == "run":
            raise error
        case SourceEnded(CommandError() as error):  # without its log the run is still watched
            view.trouble(f"no log: {short(str(error))}")
        case _:
            view.refresh()


class LineView(View):
    """Prints a line for each change and for each line of output."""

    def __init__(self, view_model: RunView, out: TextIO) -> None:
        self._view_model, self._out = view_model, out
        self._status_line = ""
        self._print(f"{'Run':<10} {view_model.run.kind}/{view_model.run.name}: {heading(view_model.run.raw)}")

    def changed(self) -> None:
        """Write phase, reason and message if one of them has changed; the end is written by `finish`."""
        if not self._view_model.finished:
            self._write_status()

    def _write_status(self) -> None:
        if self._status_line != self._view_model.status_line:
            self._status_line = self._view_model.status_line
            self._print(self._status_line)

    def agent_output(self, text: str) -> None:
        """Write each line."""
        for line in text.splitlines():
            self._print(f"{'agent':<10} {line}")

    def trouble(self, text: str) -> None:
        """Write the text to standard error."""
        say(text)

    def finish(self) -> None:
        """Write how the run ended, after the end of its log, and the usage."""
        self._write_status()
        self._print(f"{'Usage':<10} {details.usage(self._view_model.run) or 'not reported'}")

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)


class TerminalView(View):
    """Redraws the run and the last lines of output on a terminal."""

    def __init__(self, view_model: RunView, out: TextIO) -> None:
        self._view_model = view_model
        self._screen = Screen(out)
        self._output: deque[str] = deque(maxlen=OUTPUT_LINES)
        self._foot = FOOT

    def changed(self) -> None:
        """Draw the current run."""
        self._foot = FOOT
        self.refresh()

    def agent_output(self, text: str) -> None:
        """Draw the run with the new output."""
        self._output.extend(line.expandtabs(4) for line in text.splitlines())
        self.changed()

    def trouble(self, text: str) -> None:
        """Draw the text in the last line until the next change."""
        self._foot = clean(text)
        self.refresh()

    def finish(self) -> None:
        """Draw the final state, which stays on the terminal."""
        self._foot = details.usage(self._view_model.run)
        self.refresh()

    def close(self) -> None:
        """Leave the terminal."""
        self._screen.close()

    def refresh(self) -> None:
        """Draw the run with its current durations."""
        run = self._view_model.run
        now = datetime.now(UTC)
        took = rows.took(run.raw, now)
        self._screen.draw(
            [
                heading(run.raw),
                f"{run.kind}/{run.name} in {run.namespace}",
                self._view_model.status_line,
                f"attempt {run.status.attempt or '-'}   {took or 'not started'}   {self._view_model.usage}",
                *(f"  {line}" for line in self._output),
                self._foot,
            ]
        )
