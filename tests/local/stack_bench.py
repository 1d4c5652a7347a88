"""Helpers for tests of a stack on this machine."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

from functions.cluster.kinds import JOB, RUNS
from functions.local.dev.repositories import Mirror
from functions.local.dev.stack import Stack
from functions.runs.lifecycle import states as lifecycle
from functions.runs.model.run import Run, parse
from tests.support.waiting import until

NAMESPACE = "orchestrator"
USER = "octocat"
OPENAI_KEY = "sk-codex-9a8b7c6d5e4f"


class StackBench:
    """The stack under test, with requests and queries for tests."""

    def __init__(self, stack: Stack, mirror: Mirror, folder: Path) -> None:
        self.stack = stack
        self.cluster = stack.cluster
        self.mirror = mirror
        self._starts = folder / "starts"
        self.children = folder / "children"

    def docs(self, **changes: Any) -> dict[str, Any]:
        base = {"repositoryUrl": self.mirror.url, "sourceBranch": "main", "githubUser": USER, "model": "claude-x"}
        return base | changes

    def code(self, **changes: Any) -> dict[str, Any]:
        base = {"repositoryUrl": self.mirror.url, "platformRepositoryUrl": self.mirror.url, "service": "shop"}
        return base | {"taskId": 1, "githubUser": USER, "model": "claude-x"} | changes

    def post(self, target: str, body: Any, key: str | None = None, **headers: str) -> tuple[int, Any]:
        given = {"Content-Type": "application/json", **headers} | ({"Idempotency-Key": key} if key else {})
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = urllib3.request(
            "POST", self.stack.functions[target], body=raw, headers=given, retries=False, timeout=30
        )
        return answer.status, json.loads(answer.data) if answer.data else None

    def submit(self, target: str, body: Any) -> str:
        code, answer = self.post(target, body, key=str(uuid.uuid4()))
        assert code == 201, answer
        return str(answer["data"]["name"])

    def run(self, kind: str, name: str) -> Run:
        return parse(self.cluster.get(RUNS[kind], NAMESPACE, name))

    def until(self, kind: str, name: str, wanted: Callable[[Run], bool], seconds: float = 60) -> Run:
        return until(
            lambda: run if wanted(run := self.run(kind, name)) else None,
            seconds,
            lambda: f"{name} is {self.run(kind, name).status}",
            every=0.1,
        )

    def finished(self, kind: str, name: str, seconds: float = 60) -> Run:
        return self.until(kind, name, lambda run: lifecycle.state(run.status) in lifecycle.FINISHED, seconds)

    def starts(self, name: str) -> int:
        return sum(name in line for line in self._starts.read_text().splitlines()) if self._starts.exists() else 0

    def jobs(self, run: Run) -> list[Any]:
        owned = self.cluster.list(JOB, NAMESPACE, f"agents.platform/run={run.name}")
        return [job for job in owned if job["metadata"]["ownerReferences"][0]["uid"] == run.uid]


def reason(run: Run) -> str | None:
    return run.status.succeeded.reason if run.status.succeeded else None


def add_agent_cli(templates: Path, name: str, script: str) -> None:
    for kind in ("docs", "code"):
        (templates / name / kind).mkdir(parents=True)
        (templates / name / kind / "container.sh.j2").write_text(script)
        (templates / name / kind / "settings.json.j2").write_text("{}\n")
        for unused in ("agent_cli.py.j2", "prompt.md.j2"):  # required of every agent CLI, but not used by these scripts
            (templates / name / kind / unused).write_text("")
