"""`orchestrator runs watch NAME`: one run as it goes, until it ends or the reader does.

On a terminal the same block is drawn again and again; in a pipe each change and each word of the agent is a line.
"""

import time
from collections import deque
from datetime import UTC, datetime
from typing import Protocol, TextIO

from functions.clients.errors import CommandError
from functions.clients.output import say
from functions.clients.runs import logs
from functions.clients.runs.changes import Change, Changes
from functions.clients.runs.event_loop import EventMerger, SourceEnded, ViewEvent
from functions.clients.runs.logs import Line
from functions.clients.runs.screen import Screen
from functions.clients.runs.target import ClusterTarget
from functions.cluster.kinds import RUNS
from functions.runs.lifecycle import states
from functions.runs.model.run import Run, parse
from functions.views import details, formatting
from functions.views.agent_output import SessionTotals, clean, short

REDRAW_SECONDS = 1.0
"""How often durations on a terminal are drawn anew."""

SAID = 8
"""Lines of the agent that are shown on a terminal."""

FOOT = "Ctrl-C ends the view, not the run"

LOG_SECONDS = 5.0
"""How long the end of a log is waited for once its run has ended."""


class RunView:
    """A run, and what its attempts came to as their logs tell it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.tallies: dict[int, SessionTotals] = {}

    @property
    def finished(self) -> bool:
        """Whether the run has ended."""
        return states.state(self.run.status) in states.FINISHED

    def read(self, line: Line) -> str:
        """Counts a line of a log; returns it for people."""
        return self.tallies.setdefault(line.attempt, SessionTotals()).read(line.text)

    @property
    def head(self) -> str:
        """Phase, reason and message."""
        status = self.run.status
        reason = status.succeeded.reason if status.succeeded else ""
        phase = status.phase or "Pending"
        told = ": ".join(filter(None, (reason if reason != phase else "", short(clean(status.message or ""), 300))))
        return f"{phase:<10} {told}".rstrip()

    @property
    def spent(self) -> str:
        """What it came to so far: the ended attempts by the status, the present one by its stream."""
        used, attempt = self.run.status.usage, self.run.status.open_attempt
        tally = self.tallies.get(attempt.attempt, SessionTotals()) if attempt else SessionTotals()
        cost = (used.cost_usd if used else 0) + (tally.cost_usd or 0)
        turns = (used.turns if used else 0) + tally.turns
        tokens = (used.output_tokens if used else 0) + tally.output_tokens
        return f"{formatting.dollars(cost)} so far, {turns} turns, {tokens} tokens written"


class TerminalView(Protocol):
    """Shows a run to somebody."""

    def changed(self) -> None:
        """The run is not as it was."""

    def said(self, text: str) -> None:
        """The agent, or the container script, has said something."""

    def trouble(self, text: str) -> None:
        """Something is in the way, and is tried again."""

    def tick(self) -> None:
        """Time has passed."""

    def close(self) -> None:
        """Nothing more comes."""


def watch(place: ClusterTarget, run: Run, out: TextIO) -> Run:
    """Shows the run until it has ended; returns it as it is then. Raises CommandError where it is deleted."""
    watched = RunView(run)
    view: TerminalView = Board(watched, out) if out.isatty() else Lines(watched, out)
    ears = EventMerger(place)
    ears.listen("run", Changes(place.cluster, RUNS[run.kind], run.namespace, run.name).follow)
    ears.listen("log", lambda: logs.follow(place, run, time.sleep))
    view.changed()
    read, until = False, float("inf")
    while not (watched.finished and (read or time.monotonic() > until)):
        source, heard = ears.next(REDRAW_SECONDS)
        _show(watched, view, source, heard)
        read = read or (source == "log" and isinstance(heard, SourceEnded))
        until = min(until, time.monotonic() + LOG_SECONDS) if watched.finished else float("inf")
    view.close()
    return watched.run


def _show(watched: RunView, view: TerminalView, source: str, heard: ViewEvent) -> None:
    match heard:
        case Change("gone"):
            raise CommandError(f"run {watched.run.name} was deleted")
        case Change("trouble"):
            view.trouble(f"no answer, trying again: {short(heard.why)}")
        case Change("is"):
            watched.run = parse(heard.run)
            view.changed()
        case Line(note=False):
            view.said(watched.read(heard))
        case SourceEnded(CommandError() as error) if source == "run":
            raise error
        case SourceEnded(CommandError() as error):  # its log cannot be had; the run itself is still watched
            view.trouble(f"no log: {short(str(error))}")
        case _:
            view.tick()


class Lines:
    """A line for each change, and for each line that is said."""

    def __init__(self, watched: RunView, out: TextIO) -> None:
        self._watched, self._out = watched, out
        self._head = ""
        self._print(f"{'Run':<10} {watched.run.kind}/{watched.run.name}: {clean(details.work(watched.run))}")

    def changed(self) -> None:
        """Writes the phase where it, its reason or its message is another."""
        if self._head != self._watched.head:
            self._head = self._watched.head
            self._print(self._head)

    def said(self, text: str) -> None:
        """Writes each line."""
        for line in text.splitlines():
            self._print(f"{'agent':<10} {line}")

    def trouble(self, text: str) -> None:
        """Writes it to standard error."""
        say(text)

    def tick(self) -> None:
        """Writes nothing."""

    def close(self) -> None:
        """Writes what it came to."""
        self._print(f"{'Usage':<10} {details.usage(self._watched.run) or 'not told'}")

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)


class Board:
    """A block on a terminal: the run, and what was said last."""

    def __init__(self, watched: RunView, out: TextIO) -> None:
        self._watched = watched
        self._screen = Screen(out)
        self._said: deque[str] = deque(maxlen=SAID)
        self._foot = FOOT

    def changed(self) -> None:
        """Draws it as it is now."""
        self._foot = FOOT
        self.tick()

    def said(self, text: str) -> None:
        """Draws it with what was said."""
        self._said.extend(line.expandtabs(4) for line in text.splitlines())
        self.changed()

    def tick(self) -> None:
        """Draws durations anew."""
        self._draw()

    def trouble(self, text: str) -> None:
        """Draws it in the block, until the next change."""
        self._foot = clean(text)
        self._draw()

    def close(self) -> None:
        """Leaves the last block on the terminal."""
        self._foot = details.usage(self._watched.run)
        self._draw()

    def _draw(self) -> None:
        run = self._watched.run
        now = datetime.now(UTC)
        took = formatting.between(run.status.started_at, run.status.finished_at or now)
        self._screen.draw(
            [
                f"{run.kind}/{run.name} in {run.namespace}: {clean(details.work(run))}",
                self._watched.head,
                f"attempt {run.status.attempt or '-'}   {took or 'not started'}   {self._watched.spent}",
                *(f"  {line}" for line in self._said),
                self._foot,
            ]
        )
