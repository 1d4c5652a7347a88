"""`make run`: demonstrates one docs run and one code run, from an HTTP request to a pushed branch."""

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import RUNS
from functions.local.dev.cluster import EXAMPLE_USER
from functions.local.dev.follow import Progress
from functions.local.dev.repositories import Mirror, Task, example, mirror_of
from functions.local.dev.stack import QUEUES, Options, Stack
from functions.runs.lifecycle import states
from functions.runs.model.field_rules import is_valid
from functions.runs.model.fields import TaskTitle
from functions.runs.model.kinds import RunKind
from functions.runs.model.run import Run, parse
from functions.settings.agent import ModelSettings
from functions.views.table import table

LONGEST_SECONDS = {"rehearsal": 120.0, "claude": 3600.0}
"""How long to wait for the runs, by agent."""


DIFF_LINES = 80
"""Most lines of each run's diff that are printed."""

MakeProgress = Callable[[Cluster, str, TextIO], Progress]
"""Creates the display of the runs from the cluster, the API server's URL and a stream."""


class DemoError(Exception):
    """The demonstration failed; the text says why."""


@dataclass(frozen=True)
class Submitted:
    """One submitted run."""

    kind: str
    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The work to do: a repository (empty: the bundled example), and a task, tag and directory in it."""

    repository: str = ""
    task: str = ""
    tag: str = ""
    directory: str = "."


def run(options: Options, wanted: Wanted, out: TextIO, make_progress: MakeProgress = Progress) -> int:
    """Run both kinds on the wanted work; return the exit code."""
    started = time.monotonic()
    mirror = mirror_for(options.state, wanted.repository)
    task = mirror.next_task(wanted.task, wanted.tag, wanted.directory)
    stack = Stack(options, [mirror])
    _print(out, f"agent: {options.agent}" + _claude_hint(options.agent))
    _print(out, f"repository: {mirror.url} (a bare mirror of what is committed, branch {mirror.branch}: {mirror.path})")
    try:
        stack.start()
        parts = f"API server, {QUEUES[options.queue]}, bridge, runner and {len(stack.functions)} functions"
        _print(out, f"{parts}: {stack.url}, ready after {time.monotonic() - started:.1f} s")
        if out.isatty():
            _print(out, f"console: {stack.console_url}")
        specs = _specs(mirror, task, wanted.directory)
        submitted = [_submit(stack, kind, spec, out) for kind, spec in specs.items()]
        with contextlib.closing(make_progress(stack.cluster, stack.url, out)) as progress:
            runs = _follow(stack, submitted, LONGEST_SECONDS[options.agent], progress)
        _print_results(runs, mirror, out)
        _print(out, f"\ntotal time {time.monotonic() - started:.1f} s; state, logs and results: {stack.state}")
        if out.isatty():
            _stay(stack, out)
        else:
            _print(out, "next: `make dev` keeps it running, with its console in the browser")
        return 0 if all(states.state(run.status) is states.State.SUCCEEDED for run in runs) else 1
    finally:
        stack.stop()


def _stay(stack: Stack, out: TextIO) -> None:
    """Serve the console until Ctrl-C, for a person at a terminal."""
    _print(out, f"see them in the console, until Ctrl-C: {stack.console_url}")
    with contextlib.suppress(KeyboardInterrupt):
        stack.supervise()


def mirror_for(state: Path, source: str) -> Mirror:
    """Return a bare mirror, below `state`, of a repository or of the bundled example.

    Raises:
        RepositoryError: the repository cannot be cloned.
    """
    folder = state / "repositories"
    folder.mkdir(parents=True, exist_ok=True)
    return mirror_of(source, folder) if source else example(folder)


def _claude_hint(agent: str) -> str:
    return " (for Claude Code, install `claude` and set ANTHROPIC_API_KEY)" if agent == "rehearsal" else ""


def _specs(mirror: Mirror, task: Task, directory: str) -> Mapping[str, Mapping[str, Any]]:
    models = ModelSettings()
    common = {"repositoryUrl": mirror.url, "githubUser": EXAMPLE_USER}
    common |= {"workingDirectory": directory} if directory != "." else {}
    common |= {"taskTag": task.tag} if task.tag else {}
    code = {"taskId": task.id, "service": "demo", "platformRepositoryUrl": mirror.url, "branch": mirror.branch}
    code |= {"taskTitle": task.title} if is_valid(TaskTitle, task.title) else {}
    return {
        RunKind.DOCS: common | {"sourceBranch": mirror.branch, "model": models.of(RunKind.DOCS)},
        RunKind.CODE: common | code | {"model": models.of(RunKind.CODE)},
    }


def _submit(stack: Stack, kind: str, spec: Mapping[str, Any], out: TextIO) -> Submitted:
    target = f"submit_{RunKind(kind).word}"
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    url, body = stack.functions[target], json.dumps(spec)
    response = urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=30)
    document = json.loads(response.data)
    if response.status != 201:
        raise DemoError(f"{target} answered {response.status}: {document['message']} {document.get('errors', '')}")
    data = document["data"]
    _print(out, f"POST {stack.functions[target]} -> {response.status} {kind} {data['name']}")
    return Submitted(kind, data["name"], data["namespace"])


def _follow(stack: Stack, submitted: list[Submitted], seconds: float, progress: Progress) -> list[Run]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        runs = [parse(stack.cluster.get(RUNS[item.kind], item.namespace, item.name)) for item in submitted]
        for run in runs:
            progress.show(run)
        if all(states.state(run.status) in states.FINISHED for run in runs):
            progress.finish()
            return runs
        time.sleep(0.1)
    raise DemoError(f"the runs did not finish within {seconds:.0f} s; see {stack.state / 'logs'}")


def _print_results(runs: list[Run], mirror: Mirror, out: TextIO) -> None:
    rows: list[tuple[str, ...]] = [("RUN", "PHASE", "REASON", "ATTEMPT", "BRANCH", "COMMITS", "DURATION")]
    for run in runs:
        branch = run.status.branch or ""
        commits = mirror.commits(branch, mirror.branch)
        reason = run.status.succeeded.reason if run.status.succeeded else ""
        duration = _seconds(run.status.started_at, run.status.finished_at)
        rows.append(
            (
                f"{run.kind}/{run.name}",
                run.status.phase or "",
                reason,
                str(run.status.attempt),
                branch,
                str(commits),
                duration,
            )
        )
    _print(out, "\n" + table(rows))
    for run in runs:
        branch = run.status.branch or ""
        if mirror.commits(branch, mirror.branch):
            shown = mirror.changes(
                branch, mirror.branch, patch=bool(run.spec and run.spec.task_identity), colours=out.isatty()
            )
            _print(out, f"\n{run.kind.word}: {branch} in {mirror.path}\n{_shortened(shown)}")


def _shortened(text: str) -> str:
    """Return the first lines of a diff; of a longer one, how many there are more."""
    lines = text.rstrip().splitlines()
    more = [f"... and {len(lines) - DIFF_LINES} lines more"] if len(lines) > DIFF_LINES else []
    return "\n".join([*lines[:DIFF_LINES], *more])


def _seconds(start: datetime | None, end: datetime | None) -> str:
    return f"{(end - start).total_seconds():.0f} s" if start and end else ""


def _print(out: TextIO, text: str) -> None:
    print(text, file=out, flush=True)
