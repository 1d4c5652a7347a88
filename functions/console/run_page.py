"""The page of one run: what it is, what happened, what its agent does, and what a person can do."""

from dataclasses import dataclass

from flask import render_template, request

from functions.cluster.errors import Unavailable
from functions.console import offers, page_data
from functions.console.attempt_log import AttemptLog
from functions.console.context import Console
from functions.console.refused import Refused
from functions.runs.lifecycle import states
from functions.runs.model import conditions, pull_request
from functions.runs.model.run import Run
from functions.runs.model.status import Attempt
from functions.views import details, fleet, formatting, links, rows
from functions.views.next_step import NextStepCommands, next_step
from functions.views.timeline import timeline
from functions.views.transcript import Item, Transcript

ITEMS = 300
"""Most items of a transcript on the page, the last ones."""

CHANGEABLE = NextStepCommands(
    watch="follow it on this page",
    log="find the cause in the transcript below",
    retry="try again with the form on this page",
    again="try again with the form on this page",
    submit="submit it again with: {command}",
)
READ_ONLY = NextStepCommands(
    watch="follow it on this page",
    log="find the cause in the transcript below",
    retry="try again with: orchestrator runs retry {name} --message 'what to do differently'",
    again="try again with: orchestrator runs retry {name}",
    submit="submit it again with: {command}",
)


@dataclass(frozen=True, slots=True)
class Output:
    """The agent's output in one attempt."""

    attempt: int
    items: list[Item]
    left_out: int
    """How many earlier items are not on the page."""
    lines: int
    """Lines of the log so far, from where a stream goes on."""
    totals: str
    why: str
    """Why there is no output, or not all of it."""


def page(console: Console, word: str, name: str) -> str:
    """Return the page of a run."""
    run = page_data.run(console, word, name)
    position = page_data.position(console, run)
    attempt = chosen(run, request.args.get("attempt", ""))
    log = AttemptLog(console, run, attempt.job_name if attempt else "")
    output = _output(run, attempt, log)
    events = page_data.events(console, run, log.pods)
    commands = CHANGEABLE if console.access.may_change else READ_ONLY
    return render_template(
        "run.html",
        run=run,
        row=fleet.row(run.raw, position, console.clock()),
        position=position,
        next_step=next_step(run, position, commands),
        usage=details.usage(run),
        refused=conditions.retry_refused_message(run.status),
        request_of=pull_request.condition_of(run.status),
        checks=details.checks(run),
        links=links,
        moments=timeline(run, events.found)[::-1],
        events_why=events.why,
        output=output,
        is_live=is_live(run),
        offered=offers.offered(console, run),
        spec=details.spec(run),
        has_diff=bool(run.status.branch) and console.diff(run) is not None,
        done=request.args.get("done", ""),
    )


def chosen(run: Run, number: str) -> Attempt | None:
    """Return the attempt of that number; without a number the last one; None if there is none yet.

    Raises:
        Refused: 404, there is no such attempt.
    """
    if not number:
        return run.status.attempts[-1] if run.status.attempts else None
    for attempt in run.status.attempts:
        if str(attempt.attempt) == number:
            return attempt
    raise Refused(404, f"Run {run.name} has no attempt {number[:20]!r}.")


def is_live(run: Run) -> bool:
    """Return whether the run may still change by itself."""
    return states.state(run.status) not in states.FINISHED or run.retry_wanted or run.deleting


def totals(transcript: Transcript, run: Run) -> str:
    """Return what the run has used so far, with the open attempt as its stream says."""
    used, stream = run.status.usage, transcript.totals
    is_open = run.status.open_attempt is not None
    is_counted = used is not None and not is_open  # the status has the cost of attempts that have ended
    cost = (used.cost_usd if used else 0.0) + (0.0 if is_counted else stream.cost_usd or 0.0)
    parts = [f"{formatting.dollars(cost)} {'so far' if is_open else 'in all'}"]
    parts += [f"{stream.turns} turns"] if stream.turns else []
    parts += [f"{stream.output_tokens:,} tokens written"] if stream.output_tokens else []
    return " · ".join(parts)


def _output(run: Run, attempt: Attempt | None, log: AttemptLog) -> Output:
    transcript = Transcript()
    if attempt is None:
        return Output(0, [], 0, 0, "", "No attempt has begun.")
    why = ""
    try:
        transcript.read(log.new_lines())
    except Unavailable as error:
        why = f"The agent's output cannot be read: {rows.text(str(error))}"
    left_out = max(0, len(transcript.items) - ITEMS)
    why = why or log.why
    return Output(
        attempt.attempt, transcript.items[left_out:], left_out, transcript.lines, totals(transcript, run), why
    )
