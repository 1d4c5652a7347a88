"""`make run`: one docs run and one code run from an HTTP request to a pushed branch, for everybody to see."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import urllib3

from functions.cluster.kinds import RUNS
from functions.local.dev.cluster import EXAMPLE_USER
from functions.local.dev.follow import Progress
from functions.local.dev.repositories import Mirror, example, mirror_of
from functions.local.dev.stack import Options, Stack
from functions.runs.lifecycle import states
from functions.runs.model.kinds import RunKind
from functions.runs.model.run import Run, parse
from functions.settings.agent import ModelSettings
from functions.views.table import table

LONGEST_SECONDS = {"rehearsal": 120.0, "claude": 3600.0}
"""How long the runs are waited for, by who works."""


class DemoError(Exception):
    """The demonstration could not be carried out; the text says why."""


@dataclass(frozen=True)
class Submitted:
    """One run that was asked for."""

    kind: str
    name: str
    namespace: str


def run(options: Options, source: str | None, out: TextIO) -> int:
    """Shows both kinds of work on the bundled example, or on a mirror of `source`; returns the exit code."""
    began = time.monotonic()
    mirror = _mirror(options.state, source)
    stack = Stack(options, [mirror])
    _say(out, f"agent: {options.agent}" + _how_to_get_claude(options.agent))
    _say(out, f"repository: {mirror.url} (a bare mirror of what is committed, branch {mirror.branch}: {mirror.path})")
    try:
        stack.start()
        parts = f"API server, {_queue(options)}, bridge, runner and {len(stack.functions)} functions"
        _say(out, f"{parts}: {stack.url}, ready after {time.monotonic() - began:.1f} s")
        submitted = [_submit(stack, kind, spec, out) for kind, spec in _specs(mirror).items()]
        runs = _follow(stack, submitted, LONGEST_SECONDS[options.agent], out)
        _conclude(runs, mirror, out)
        _say(out, f"\nall of it took {time.monotonic() - began:.1f} s; state, logs and results: {stack.state}")
        return 0 if all(states.state(each.status) is states.State.SUCCEEDED for each in runs) else 1
    finally:
        stack.stop()


def _queue(options: Options) -> str:
    return "Pub/Sub emulator" if options.pubsub else "queue"


def _mirror(state: Path, source: str | None) -> Mirror:
    folder = state / "repositories"
    folder.mkdir(parents=True, exist_ok=True)
    return mirror_of(source, folder) if source else example(folder)


def _how_to_get_claude(agent: str) -> str:
    return " (for Claude Code, install `claude` and set ANTHROPIC_API_KEY)" if agent == "rehearsal" else ""


def _specs(mirror: Mirror) -> Mapping[str, Mapping[str, Any]]:
    models = ModelSettings()
    common = {"repositoryUrl": mirror.url, "githubUser": EXAMPLE_USER}
    task = mirror.tasks()[0]
    code = {"taskId": task, "service": "demo", "platformRepositoryUrl": mirror.url, "branch": mirror.branch}
    return {
        RunKind.DOCS: common | {"sourceBranch": mirror.branch, "model": models.docs},
        RunKind.CODE: common | code | {"model": models.code},
    }


def _submit(stack: Stack, kind: str, spec: Mapping[str, Any], out: TextIO) -> Submitted:
    target = f"submit_{RunKind(kind).word}"
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    url, body = stack.functions[target], json.dumps(spec)
    answer = urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=30)
    found = json.loads(answer.data)
    if answer.status != 201:
        raise DemoError(f"{target} answered {answer.status}: {found['message']} {found.get('errors', '')}")
    data = found["data"]
    _say(out, f"POST {stack.functions[target]} -> {answer.status} {kind} {data['name']}")
    return Submitted(kind, data["name"], data["namespace"])


def _follow(stack: Stack, submitted: list[Submitted], seconds: float, out: TextIO) -> list[Run]:
    progress = Progress(stack.cluster, stack.url, out)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        runs = [parse(stack.cluster.get(RUNS[each.kind], each.namespace, each.name)) for each in submitted]
        for each in runs:
            progress.show(each)
        if all(states.state(each.status) in states.FINISHED for each in runs):
            progress.finish()
            return runs
        time.sleep(0.1)
    raise DemoError(f"the runs did not finish within {seconds:.0f} s; see {stack.state / 'logs'}")


def _conclude(runs: list[Run], mirror: Mirror, out: TextIO) -> None:
    rows: list[tuple[str, ...]] = [("RUN", "PHASE", "REASON", "ATTEMPT", "BRANCH", "COMMITS", "DURATION")]
    for each in runs:
        branch = each.status.branch or ""
        commits = mirror.commits(branch, mirror.branch)
        reason = each.status.succeeded.reason if each.status.succeeded else ""
        took = _seconds(each.status.started_at, each.status.finished_at)
        rows.append(
            (
                f"{each.kind}/{each.name}",
                each.status.phase or "",
                reason,
                str(each.status.attempt),
                branch,
                str(commits),
                took,
            )
        )
    _say(out, "\n" + table(rows))
    for each in runs:
        branch = each.status.branch or ""
        if mirror.commits(branch, mirror.branch):
            _say(out, f"\n{branch} in {mirror.path}\n{mirror.changes(branch, mirror.branch).rstrip()}")


def _seconds(start: datetime | None, end: datetime | None) -> str:
    return f"{(end - start).total_seconds():.0f} s" if start and end else ""


def _say(out: TextIO, text: str) -> None:
    print(text, file=out, flush=True)
