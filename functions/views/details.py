"""One run as people and models read it: the facts that matter, from spec and status, with what to do next."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, assert_never

from functions.runs.admission.position import Position
from functions.runs.model import conditions
from functions.runs.model.kinds import RunKind
from functions.runs.model.run import Run
from functions.runs.model.specs import wire
from functions.runs.model.status import Attempt
from functions.views import formatting, rows
from functions.views.agent_output import clean
from functions.views.next_step import COMMANDS, NextStepCommands, next_step
from functions.views.table import table

Facts = dict[str, Any]


def facts(run: Run, waits: Position | None, ways: NextStepCommands = COMMANDS) -> Facts:
    """All that is told of a run. Values of environment variables are left out: they are nobody's business here."""
    status = wire(run.status)
    kept = ("attempts", "branch", "pullRequestUrl", "usage", "nextAttemptAt", "startedAt", "finishedAt", "sessionId")
    spec = dict(run.raw["spec"]) if isinstance(run.raw.get("spec"), Mapping) else {}
    if isinstance(spec.get("env"), list):
        spec["env"] = [rows.at(each, "name") for each in spec["env"]]
    return rows.without_absent(
        {
            "kind": run.kind.value,
            "namespace": run.namespace,
            "name": run.name,
            "phase": run.status.phase or "Pending",
            "reason": run.status.succeeded.reason if run.status.succeeded else None,
            "message": run.status.message,
            "retryRefused": conditions.retry_refused_message(run.status) or None,
            "attempt": run.status.attempt,
            **{name: status.get(name) for name in kept},
            "queue": {"place": waits.place, "of": waits.of, "waitsFor": waits.waits_for} if waits else None,
            "problems": run.spec_error,
            "next": next_step(run, waits, ways),
            "createdAt": run.raw["metadata"]["creationTimestamp"],
            "spec": spec,
        }
    )


def sheet(run: Run, waits: Position | None, now: datetime) -> str:
    """The run on a page, for a terminal."""
    lines = [*_head(run, waits, now), *_attempts(run, now), ("Next", next_step(run, waits))]
    told = {name: text for name, text in lines if text}
    width = max(map(len, told)) + 2
    return "\n".join(f"{name:<{width}}{_indented(text, width)}" for name, text in told.items())


def _head(run: Run, waits: Position | None, now: datetime) -> Iterable[tuple[str, str]]:
    status = run.status
    reason = status.succeeded.reason if status.succeeded else ""
    yield "Run", f"{run.kind}/{run.name} in {run.namespace}"
    yield "Work", clean(work(run))
    yield "Phase", (status.phase or "Pending") + (f" ({reason})" if reason and reason != status.phase else "")
    yield "Message", clean(status.message or "")
    why = conditions.retry_refused_message(status)
    yield "Retry", clean(why) if why != status.message else ""
    yield "Spec", f"not valid: {run.spec_error}" if run.spec_error else ""
    yield "Queue", str(waits) if waits else ""
    yield "Branch", clean(status.branch or "")
    yield "Pull request", clean(status.pull_request_url or "")
    yield "Usage", usage(run)
    yield "Age", formatting.age(run.raw, now)
    yield "Took", formatting.between(status.started_at, status.finished_at)


def work(run: Run) -> str:
    """What the run is for, in a few words."""
    at = rows.at
    where = rows.text(at(run.raw, "spec", "repositoryUrl"))
    match run.kind:
        case RunKind.DOCS:
            return f"docs of {where}"
        case RunKind.CODE:
            task, service = (rows.text(at(run.raw, "spec", name)) for name in ("taskId", "service"))
            return f"task {task} of {service} in {where}"
        case _:
            assert_never(run.kind)


def usage(run: Run) -> str:
    """What the run's ended attempts used up."""
    used = run.status.usage
    if not used:
        return ""
    tokens = f"{used.input_tokens}/{used.output_tokens} tokens in/out"
    return f"{formatting.dollars(used.cost_usd)}, {used.turns} turns, {tokens}"


def _attempts(run: Run, now: datetime) -> Iterable[tuple[str, str]]:
    if run.status.attempts:
        cells = [_attempt(each, now) for each in run.status.attempts]
        yield "Attempts", table([("#", "REASON", "TOOK", "MESSAGE"), *cells])


def _attempt(attempt: Attempt, now: datetime) -> tuple[str, ...]:
    reason = attempt.reason or ("Running" if attempt.finished_at is None else "")
    took = formatting.between(attempt.started_at, attempt.finished_at or now)
    return str(attempt.attempt), rows.text(reason), took, rows.text(attempt.message or "")


def _indented(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * width)
