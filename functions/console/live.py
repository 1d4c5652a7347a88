"""Server-sent events: that something has changed, and what an agent has just written.

    event: changed      the page is fetched again, and its parts replaced
    event: item         {key, html}: an item of the transcript is new or has changed
    event: totals       what the run has used so far
    event: end          nothing will change any more by itself

The id of an event is the number of lines of the log that were read, from where a reconnected stream goes on.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Response, current_app, request

from functions.cluster.errors import ClusterError, NotFound, Unavailable
from functions.console import page_data, run_page
from functions.console.attempt_log import AttemptLog
from functions.console.context import Console
from functions.console.fleet_changes import FleetChanges
from functions.console.refused import Refused
from functions.runs.model.run import Run
from functions.views.transcript import Item, Transcript

LOOK_SECONDS = 1.0
"""Seconds between two looks at a run and its log."""
RETRY = "retry: 1000\n\n"
"""Has the browser connect again a second after a stream has ended."""
BEAT = ": beat\n\n"
"""A comment, by which the server notices that the browser has gone."""

Render = Callable[[Item], str]


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of a page: the version of the run, and the number of log lines that it shows."""

    version: str
    lines: int


def fleet(console: Console) -> Response:
    """Return a stream that says when the fleet has changed."""
    return _stream(console, lambda: _fleet(console))


def run(console: Console, word: str, name: str) -> Response:
    """Return a stream that says what is new of a run since `version`, and of an attempt's output since line `from`."""
    run = page_data.run(console, word, name)
    attempt = run_page.chosen(run, request.args.get("attempt", ""))
    lines = _number(request.headers.get("Last-Event-ID") or request.args.get("from", ""))
    seen = Seen(request.args.get("version", ""), lines)
    render = current_app.jinja_env.get_template("transcript.html").module.item  # type: ignore[attr-defined]
    log = AttemptLog(console, run, attempt.job_name if attempt else "")
    return _stream(console, lambda: _run(console, run, seen, log, render))


def _stream(console: Console, events: Callable[[], Iterator[str]]) -> Response:
    if not console.streams.take():
        raise Refused(429, "As many pages as possible are served live; this one asks again from time to time.")
    response = Response(events(), content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    response.call_on_close(console.streams.release)
    return response


def _fleet(console: Console) -> Iterator[str]:
    changes = FleetChanges(console.cluster, console.namespace, console.streams.seconds)
    try:
        changes.start()
        yield RETRY  # the page is fetched again then, and what changes after that is seen
        for changed in changes.follow():
            yield _event("changed", "") if changed else BEAT
    except ClusterError:
        yield _event("changed", "")  # the page, fetched again, says what is wrong


def _run(console: Console, found: Run, seen: Seen, log: AttemptLog, render: Render) -> Iterator[str]:
    yield RETRY
    transcript, shown, version = Transcript(), found, seen.version
    deadline = time.monotonic() + console.streams.seconds
    try:
        while time.monotonic() < deadline:
            yield from _new_output(transcript, log, seen.lines, render, shown)
            if not run_page.is_live(shown):
                yield _event("end", "")
                return
            if shown.resource_version != version:
                version = shown.resource_version
                yield _event("changed", "")
            yield BEAT
            time.sleep(LOOK_SECONDS)
            shown = page_data.run(console, found.kind.word, found.name)
    except (ClusterError, Refused):
        yield _event("changed", "")


def _new_output(transcript: Transcript, log: AttemptLog, from_line: int, render: Render, shown: Run) -> Iterator[str]:
    changed: dict[int, None] = {}
    try:
        for line in log.new_lines():
            keys = transcript.add(line)
            if transcript.lines > from_line:
                changed |= dict.fromkeys(keys)
    except (Unavailable, NotFound):
        return  # the next look goes on where this one stopped
    for key in changed:
        item = transcript.items[key]
        yield _event("item", json.dumps({"key": key, "html": render(item)}), str(transcript.lines))
    if changed:
        yield _event("totals", run_page.totals(transcript, shown), str(transcript.lines))


def _event(name: str, data: str, number: str = "") -> str:
    """Return an event; its data is one line."""
    fields = [f"event: {name}", *([f"id: {number}"] if number else []), f"data: {data}"]
    return "\n".join(fields) + "\n\n"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
