"""`list_runs`, `get_run`, `stop_run` and `retry_run`: the same as `orchestrator runs`, with the same rights."""

import os
from collections import deque
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from functions.clients.errors import CommandError, WrongUsage
from functions.clients.mcp.arguments import Arguments
from functions.clients.mcp.hints import WAYS
from functions.clients.mcp.tool import Result, Tool
from functions.clients.output import Say
from functions.clients.runs import filters, logs, lookup, requests
from functions.clients.runs.target import ClusterTarget, from_environment
from functions.runs.model.fields import Prompt
from functions.runs.model.run import Run
from functions.runs.model.status import Phase
from functions.views import details, rows
from functions.views.agent_output import SessionTotals

NEWEST = 20
MOST = 200


class InNamespace(Arguments):
    """What all of them have."""

    namespace: Annotated[
        str | None,
        Field(description="Kubernetes namespace; left out: that of the server's configuration.", min_length=1),
    ] = None

    def place(self) -> ClusterTarget:
        """Where the runs are, by the arguments and the environment."""
        return from_environment(os.environ, self.namespace or "")


class ListArguments(InNamespace):
    """Of `list_runs`."""

    kind: Annotated[Literal["docs", "code"] | None, Field(description="Only runs of this kind.")] = None
    phase: Annotated[Phase | None, Field(description="Only runs in this phase.")] = None
    service: Annotated[str | None, Field(description="Only code runs for this service.", min_length=1)] = None
    limit: Annotated[int, Field(description="At most so many.", ge=1, le=MOST)] = NEWEST


class NameArguments(InNamespace):
    """Of the tools for one run."""

    name: Annotated[
        str,
        Field(
            description="The run's name, as list_runs shows it; docs/NAME or code/NAME where both exist.",
            min_length=1,
        ),
    ]


class GetArguments(NameArguments):
    """Of `get_run`."""

    log_lines: Annotated[int, Field(description="How many of the last lines of its agent's log.", ge=0, le=MOST)] = 0


class RetryArguments(NameArguments):
    """Of `retry_run`."""

    message: Annotated[
        Prompt | None,
        Field(description="What the agent is told besides its task, such as what to do otherwise.", min_length=1),
    ] = None
    replace: Annotated[bool, Field(description="Tell the agent the message alone, not the task's prompt.")] = False


def list_runs(given: ListArguments, _say: Say) -> Result:
    """The newest runs. Raises CommandError."""
    place = given.place()
    found = filters.runs(place, filters.Wanted(given.kind, given.phase or "", given.service or ""))
    shown = [rows.summary(raw) for raw in found[: given.limit]]
    text = f"{len(shown)} of {len(found)} runs in namespace {place.namespace}, newest first."
    return Result(text, _used(given, place), {"total": len(found), "runs": shown})


def get_run(given: GetArguments, _say: Say) -> Result:
    """One run. Raises CommandError."""
    place = given.place()
    run = lookup.find(place, given.name)
    found = _of(run, given, place, "")
    return replace(found, facts={**found.facts, **_log(place, run, given.log_lines)}) if given.log_lines else found


def _log(place: ClusterTarget, run: Run, lines: int) -> dict[str, Any]:
    """The last lines of the last attempt's log, for people; where there is none, why."""
    tally = SessionTotals()
    try:
        said = (tally.read(line.text) for line in logs.read(place, run, logs.attempt(run, None)) if not line.note)
        return {"log": list(deque((part for text in said for part in text.splitlines()), maxlen=lines))}
    except CommandError as error:
        return {"log": [], "noLog": str(error)}


def stop_run(given: NameArguments, _say: Say) -> Result:
    """Asks a run to stop. Raises CommandError."""
    place = given.place()
    run = requests.cancel(place, lookup.find(place, given.name))
    stops = "It has ended. " if requests.ended(run) else "It is asked to stop, and ends as Cancelled. "
    return _of(run, given, place, stops)


def retry_run(given: RetryArguments, _say: Say) -> Result:
    """Asks for another attempt. Raises CommandError."""
    if given.replace and given.message is None:
        raise WrongUsage("replace: give the message that replaces the prompt")
    place = given.place()
    run = requests.retry(place, lookup.find(place, given.name), given.message, replace=given.replace)
    return _of(run, given, place, f"It is asked to try again (contextVersion {requests.context_version(run)}). ")


def _of(run: Run, given: Arguments, place: ClusterTarget, done: str) -> Result:
    facts = details.facts(run, lookup.queue_position(place, run), WAYS)
    text = f"{run.kind} {run.name}: {facts['phase']}. {done}Next: {facts['next']}"
    return Result(text, _used(given, place), facts)


def _used(given: Arguments, place: ClusterTarget) -> dict[str, Any]:
    return {**given.model_dump(mode="json", by_alias=True, exclude_none=True), "namespace": place.namespace}


RUN_TOOLS: list[Tool[Any]] = [
    Tool(
        "list_runs",
        "Lists runs, newest first, with phase, reason and result of each.",
        ListArguments,
        list_runs,
        changes=False,
        repeatable=True,
    ),
    Tool(
        "get_run",
        "Shows one run: phase, reason, message, attempts, branch, pull request, cost, place in the queue, and what "
        "to do next. A run works by itself: ask again after a minute, not at once.",
        GetArguments,
        get_run,
        changes=False,
        repeatable=True,
    ),
    Tool(
        "stop_run",
        "Stops a run that is not finished. What its agent has pushed stays on its branch.",
        NameArguments,
        stop_run,
        repeatable=True,
        destroys=True,
    ),
    Tool(
        "retry_run",
        "Has a finished code run tried again, in its workspace and session. Docs runs are submitted again instead, "
        "with task_docs.",
        RetryArguments,
        retry_run,
    ),
]
