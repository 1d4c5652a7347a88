"""Tools `list_runs`, `get_run`, `stop_run` and `retry_run`: `orchestrator runs` with the same rights."""

import os
from collections import deque
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from functions.clients.errors import CommandError, WrongUsage
from functions.clients.mcp.arguments import Arguments, KindWord
from functions.clients.mcp.tool import Result, Tool
from functions.clients.output import Say
from functions.clients.runs import filters, logs, lookup, requests
from functions.clients.runs.target import ClusterTarget, from_environment
from functions.runs.lifecycle.event_filters import is_final
from functions.runs.model.fields import Prompt
from functions.runs.model.run import Run
from functions.runs.model.status import Phase
from functions.views import details, listing
from functions.views.agent_output import SessionTotals
from functions.views.next_step import NextStepCommands

NEWEST = 20
MOST = 200

NEXT_STEP_TOOLS = NextStepCommands(
    watch="follow it with: get_run, in a minute",
    log="find the cause with: get_run with logLines",
    retry="try again with: retry_run, with a message about what to do differently",
    again="try again with: retry_run",
    submit="submit it again with: task_{kind}",
)
"""Names of tools in texts about the next step of a run."""


class InNamespace(Arguments):
    """Arguments of all tools for runs."""

    namespace: Annotated[
        str | None,
        Field(description="Kubernetes namespace; default: that of the server's configuration.", min_length=1),
    ] = None

    def target(self) -> ClusterTarget:
        """Return the target that arguments and environment select."""
        return from_environment(os.environ, self.namespace or "")


class ListArguments(InNamespace):
    """Arguments of `list_runs`."""

    kind: Annotated[KindWord | None, Field(description="Only runs of this kind.")] = None
    phase: Annotated[Phase | None, Field(description="Only runs in this phase.")] = None
    service: Annotated[str | None, Field(description="Only code runs for this service.", min_length=1)] = None
    limit: Annotated[int, Field(description="Maximum number of runs.", ge=1, le=MOST)] = NEWEST


class NameArguments(InNamespace):
    """Arguments of the tools for one run."""

    name: Annotated[
        str,
        Field(
            description="The run's name, as list_runs shows it; docs/NAME or code/NAME if both exist.",
            min_length=1,
        ),
    ]


class GetArguments(NameArguments):
    """Arguments of `get_run`."""

    log_lines: Annotated[
        int, Field(description="Number of last lines of its agent's log to return.", ge=0, le=MOST)
    ] = 0


class RetryArguments(NameArguments):
    """Of `retry_run`."""

    message: Annotated[
        Prompt | None,
        Field(
            description="Instructions for the agent in addition to its task, such as what to do differently.",
            min_length=1,
        ),
    ] = None
    replace: Annotated[bool, Field(description="Replace the task's prompt by the message.")] = False


def list_runs(given: ListArguments, _say: Say) -> Result:
    """Return the newest runs.

    Raises:
        CommandError: the runs could not be listed.
    """
    target = given.target()
    runs = filters.runs(target, filters.Wanted(filters.kind(given.kind or ""), given.phase or "", given.service or ""))
    listed = [listing.summary(raw) for raw in runs[: given.limit]]
    text = f"{len(listed)} of {len(runs)} runs in namespace {target.namespace}, newest first."
    return Result(text, _used(given, target), {"total": len(runs), "runs": listed})


def get_run(given: GetArguments, _say: Say) -> Result:
    """Return one run.

    Raises:
        CommandError: the run does not exist.
    """
    target = given.target()
    run = lookup.find(target, given.name)
    result = _of(run, given, target, "")
    return replace(result, facts={**result.facts, **_log(target, run, given.log_lines)}) if given.log_lines else result


def _log(target: ClusterTarget, run: Run, lines: int) -> dict[str, Any]:
    """Return the last lines of the last attempt's log as readable text; without a log, the reason."""
    totals = SessionTotals()
    try:
        texts = (totals.read(line.text) for line in logs.read(target, run, logs.attempt(run, None)) if not line.note)
        return {"log": list(deque((part for text in texts for part in text.splitlines()), maxlen=lines))}
    except CommandError as error:
        return {"log": [], "noLog": str(error)}


def stop_run(given: NameArguments, _say: Say) -> Result:
    """Request the cancellation of a run.

    Raises:
        CommandError: the run does not exist or could not be patched.
    """
    target = given.target()
    run = requests.cancel(target, lookup.find(target, given.name))
    done = "It has ended. " if is_final(run) else "It is asked to stop, and ends as Cancelled. "
    return _of(run, given, target, done)


def retry_run(given: RetryArguments, _say: Say) -> Result:
    """Request another attempt.

    Raises:
        CommandError: the run does not exist or cannot be retried.
    """
    if given.replace and given.message is None:
        raise WrongUsage("replace: give the message that replaces the prompt")
    target = given.target()
    run = requests.retry(target, lookup.find(target, given.name), given.message, replace=given.replace)
    return _of(run, given, target, f"It is asked to try again (contextVersion {requests.context_version(run)}). ")


def _of(run: Run, given: Arguments, target: ClusterTarget, done: str) -> Result:
    facts = details.facts(run, lookup.queue_position(target, run), NEXT_STEP_TOOLS)
    text = f"{run.kind} {run.name}: {facts['phase']}. {done}Next: {facts['next']}"
    return Result(text, _used(given, target), facts)


def _used(given: Arguments, target: ClusterTarget) -> dict[str, Any]:
    return {**given.model_dump(mode="json", by_alias=True, exclude_none=True), "namespace": target.namespace}


RUN_TOOLS: list[Tool[Any]] = [
    Tool(
        "list_runs",
        "List runs, newest first, with phase, reason and result of each.",
        ListArguments,
        list_runs,
        changes=False,
        repeatable=True,
    ),
    Tool(
        "get_run",
        "Show one run: phase, reason, message, attempts, branch, pull request, cost, place in the queue, and what "
        "to do next. A run continues by itself: call again after a minute, not at once.",
        GetArguments,
        get_run,
        changes=False,
        repeatable=True,
    ),
    Tool(
        "stop_run",
        "Stop a run that is not finished. Commits that its agent has pushed stay on its branch.",
        NameArguments,
        stop_run,
        repeatable=True,
        destroys=True,
    ),
    Tool(
        "retry_run",
        "Retry a finished code run, in its workspace and session. Docs runs are submitted again instead, "
        "with task_docs.",
        RetryArguments,
        retry_run,
    ),
]
