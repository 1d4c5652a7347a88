"""One run for users and models: facts from spec and status, and the next step."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from functions.runs.admission.position import Position
from functions.runs.github_sync_state import commits
from functions.runs.model import conditions
from functions.runs.model.api_model import wire
from functions.runs.model.run import Run
from functions.runs.model.status import Attempt
from functions.views import formatting, rows
from functions.views.agent_output import clean
from functions.views.next_step import COMMANDS, NextStepCommands, next_step
from functions.views.table import table
from functions.views.titles import title

Facts = dict[str, Any]


def facts(run: Run, position: Position | None, commands: NextStepCommands = COMMANDS) -> Facts:
    """Return the facts of a run as JSON types. Values of environment variables are omitted: they may be secret."""
    status = wire(run.status)
    status_fields = (
        "attempts",
        "branch",
        "pullRequestUrl",
        "checks",
        "usage",
        "nextAttemptAt",
        "startedAt",
        "finishedAt",
        "sessionId",
    )
    return rows.without_absent(
        {
            "kind": str(run.kind),
            "namespace": run.namespace,
            "name": run.name,
            "title": title(run.raw),
            "phase": run.status.phase or "Pending",
            "reason": run.status.succeeded.reason if run.status.succeeded else None,
            "message": run.status.message,
            "retryRefused": conditions.retry_refused_message(run.status) or None,
            "summary": run.status.summary,
            "attempt": run.status.attempt,
            **{name: status.get(name) for name in status_fields},
            "queue": {"place": position.place, "of": position.of, "waitsFor": position.waits_for} if position else None,
            "problems": run.spec_error,
            "next": next_step(run, position, commands),
            "createdAt": run.raw["metadata"]["creationTimestamp"],
            "spec": spec(run),
        }
    )


def spec(run: Run) -> Facts:
    """Return the spec as it is stored, with the names of environment variables only."""
    fields = dict(run.raw["spec"]) if isinstance(run.raw.get("spec"), Mapping) else {}
    if isinstance(fields.get("env"), list):
        fields["env"] = [rows.at(variable, "name") for variable in fields["env"]]
    return fields


def sheet(run: Run, position: Position | None, now: datetime) -> str:
    """Return the run as lines of text for a terminal."""
    lines = [*_head(run, position, now), *_attempts(run, now), ("Next", next_step(run, position))]
    shown = {name: text for name, text in lines if text}
    width = max(map(len, shown)) + 2
    return "\n".join(f"{name:<{width}}{_indented(text, width)}" for name, text in shown.items())


def _head(run: Run, position: Position | None, now: datetime) -> Iterable[tuple[str, str]]:
    status = run.status
    reason = status.succeeded.reason if status.succeeded else ""
    yield "Title", title(run.raw)
    yield "Run", f"{run.kind}/{run.name} in {run.namespace}"
    yield "Repository", rows.text(rows.at(run.raw, "spec", "repositoryUrl"))
    yield "Phase", (status.phase or "Pending") + (f" ({reason})" if reason and reason != status.phase else "")
    yield "Message", clean(status.message or "")
    yield "Summary", clean(status.summary or "")
    why = conditions.retry_refused_message(status)
    yield "Retry", clean(why) if why != status.message else ""
    yield "Spec", f"not valid: {run.spec_error}" if run.spec_error else ""
    yield "Queue", str(position) if position else ""
    yield "Branch", clean(status.branch or "")
    yield "Pull request", clean(status.pull_request_url or "")
    yield "Checks", checks(run)
    yield "Usage", usage(run)
    yield "Age", formatting.age(run.raw, now)
    yield "Took", rows.took(run.raw, now)


def usage(run: Run) -> str:
    """Return the usage of the run's ended attempts."""
    used = run.status.usage
    if not used:
        return ""
    tokens = f"{used.input_tokens}/{used.output_tokens} tokens in/out"
    return f"{formatting.dollars(used.cost_usd)}, {used.turns} turns, {tokens}"


def checks(run: Run) -> str:
    """Return the state of the checks on the run's branch; empty if none is known of its last commit."""
    checks = run.status.checks
    if checks is None or checks.commit in commits(run)[:-1]:
        return ""
    named = ", ".join(checks.failures) + (", ..." if checks.failed > len(checks.failures) else "")
    counts = [(checks.passed, "passed"), (checks.running, "running"), (checks.failed, f"failed ({named})")]
    text = ", ".join(f"{count} {word}" for count, word in counts if count)
    return rows.text(f"{text} on {checks.commit[:7]}") if text else ""


def _attempts(run: Run, now: datetime) -> Iterable[tuple[str, str]]:
    if run.status.attempts:
        cells = [_attempt(attempt, now) for attempt in run.status.attempts]
        yield "Attempts", table([("#", "REASON", "TOOK", "MESSAGE"), *cells])


def _attempt(attempt: Attempt, now: datetime) -> tuple[str, ...]:
    reason = attempt.reason or ("Running" if attempt.finished_at is None else "")
    took = formatting.between(attempt.started_at, attempt.finished_at or now)
    return str(attempt.attempt), rows.text(reason), took, rows.text(attempt.message or "")


def _indented(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * width)
