"""Attempts with the real Claude Code, whose model says what a test has it say."""

import json
from dataclasses import dataclass
from typing import Any

from functions.runs.model.report import Report
from functions.runs.model.run_spec import RunSpec
from tests.agent.model_server import Model, Refusal, Turn, serving, uses
from tests.agent.world import Pod, World, at, plain_settings


@dataclass
class Done:
    """An attempt that has ended."""

    report: Report
    pod: Pod
    model: Model

    @property
    def init(self) -> dict[str, Any]:
        """What the CLI says of itself first."""
        return self.lines("system", "init")[0]

    def lines(self, kind: str, subtype: str | None = None) -> list[dict[str, Any]]:
        """The lines of its output of that kind."""
        lines = [json.loads(line) for line in self.pod.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line["type"] == kind and subtype in (None, line.get("subtype"))]

    @property
    def instructions(self) -> str:
        """All that the model was told in the first request."""
        return self.model.request_text()


@dataclass
class ClaudeCode:
    """The real CLI in a world."""

    world: World
    program: str

    def run(self, spec: RunSpec, *turns: Turn | Refusal, attempt: int = 1, **changes: Any) -> Done:
        """One attempt to its end."""
        with serving(Model(turns)) as model:
            pod = self.pod(spec, model, attempt=attempt, **changes)
            return Done(pod.run(), pod, model)

    def pod(self, spec: RunSpec, model: Model, *, attempt: int = 1, **changes: Any) -> Pod:
        """A pod that is not started."""
        settings = plain_settings(**(at(model.url) | changes.pop("settings", {})))
        given: dict[str, Any] = {"AGENT_COMMAND": self.program, "settings": settings}
        task = self.world.task(spec, attempt=attempt, **changes.pop("task", {}))
        return self.world.pod(task, **given | changes)


def shell(command: str, **given: Any) -> Turn:
    """A turn that runs a command."""
    return uses("Bash", command=command, **given)
