"""Helpers: attempts with the real Claude Code and a scripted model."""

import json
from dataclasses import dataclass
from typing import Any

from functions.runs.model.report import Report
from functions.runs.model.run_spec import RunSpec
from tests.agent.model_server import Model, Refusal, Turn, serving, uses
from tests.agent.world import Pod, World, at, plain_settings


@dataclass
class Done:
    """A finished attempt: pod, report and the requests to the model."""

    report: Report
    pod: Pod
    model: Model

    @property
    def init(self) -> dict[str, Any]:
        """Return the first event of the CLI's output, which lists its configuration."""
        return self.lines("system", "init")[0]

    def lines(self, kind: str, subtype: str | None = None) -> list[dict[str, Any]]:
        """Return the events of that type in the CLI's output."""
        lines = [json.loads(line) for line in self.pod.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line["type"] == kind and subtype in (None, line.get("subtype"))]

    @property
    def instructions(self) -> str:
        """Return the instructions in the first request to the model."""
        return self.model.request_text()


@dataclass
class ClaudeCode:
    """The real CLI in a test environment."""

    world: World
    program: str

    def run(self, spec: RunSpec, *turns: Turn | Refusal, attempt: int = 1, **changes: Any) -> Done:
        """Run one attempt to its end."""
        with serving(Model(turns)) as model:
            pod = self.pod(spec, model, attempt=attempt, **changes)
            return Done(pod.run(), pod, model)

    def pod(self, spec: RunSpec, model: Model, *, attempt: int = 1, **changes: Any) -> Pod:
        """Return a pod that is not started."""
        settings = plain_settings(**(at(model.url) | changes.pop("settings", {})))
        given: dict[str, Any] = {"AGENT_COMMAND": self.program, "settings": settings}
        task = self.world.task(spec, attempt=attempt, **changes.pop("task", {}))
        return self.world.pod(task, **given | changes)


def shell(command: str, **given: Any) -> Turn:
    """Return a model turn that runs a shell command."""
    return uses("Bash", command=command, **given)
