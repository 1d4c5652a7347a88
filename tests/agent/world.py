"""One attempt run for real: bash, git and local bare repositories, mounts laid out below a directory of the test."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functions.local.runner.shim import process_tree
from functions.runs.model import naming, report
from functions.runs.model.run_spec import RunSpec
from functions.settings import Settings
from functions.templating.render import AttemptContext, task_files
from tests.agent.remotes import Remotes
from tests.support.python import search_path

REHEARSAL = Path(__file__).parents[2] / "functions" / "local" / "rehearsal.py"
UID = "3b2c1d4e-0000-4000-8000-000000000001"
API_KEY = "sk-test-4f5c2b7a9d1e"
PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdGVzdC1vbmx5\n-----END OPENSSH PRIVATE KEY-----\n"

TASKS = {
    "master": {
        "tasks": [
            {
                "id": 1,
                "title": "Greet",
                "description": "Say hello.",
                "details": "A function.",
                "testStrategy": "Call it.",
            },
            {"id": 2, "title": "Part", "description": "Say goodbye.", "details": "Another.", "dependencies": [1]},
        ]
    }
}


@dataclass
class Pod:
    """An attempt as a local process."""

    root: Path
    environ: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.root / "log").read_text()

    def start(self) -> "Pod":
        with (self.root / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["/bin/bash", str(self.root / "config/container.sh")],
                cwd=self.root / "workspace",
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def wait(self, seconds: float = 60) -> report.Report:
        """Its report, once it has ended."""
        assert self.process
        self.process.wait(seconds)
        text = (self.root / "dev/termination-log").read_text()
        assert len(text.encode()) <= report.REPORT_BYTES
        result = report.read(text)
        assert result, text
        assert (self.process.returncode == 0) == (result.outcome == "succeeded")
        return result

    def run(self) -> report.Report:
        return self.start().wait()

    def until_logged(self, words: str) -> None:
        """Waits until its log has `words`."""
        self.until(lambda: words in self.log)

    def until(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        """Waits until `condition` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def leftovers(self) -> list[str]:
        """Command lines of what it started and did not end."""
        return [" ".join(process.cmdline()) for process in process_tree.processes_of_pod(self.root)]

    def kill(self, number: signal.Signals) -> None:
        """To the script alone, as a kubelet sends it."""
        assert self.process
        self.process.send_signal(number)

    def kill_group(self, number: signal.Signals) -> None:
        """To the script's whole process group."""
        assert self.process
        os.killpg(self.process.pid, number)

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        assert process_tree.end(lambda: process_tree.processes_of_pod(self.root)), "what it started is gone too"


@dataclass
class World:
    """Remotes, workspaces and the pods of one test."""

    path: Path
    remotes: Remotes
    pods: list[Pod] = field(default_factory=list)

    def task(self, spec: RunSpec, run: str = "r1", attempt: int = 1, **changes: Any) -> AttemptContext:
        known: dict[str, Any] = {
            "run": run,
            "namespace": "agents",
            "uid": UID,
            "attempt": attempt,
            "job_name": naming.job_name(spec.kind, run, UID, attempt),
            "spec": spec,
            "branch": naming.branch(run, UID),
            "session_id": naming.session_id(UID, 1, 1),
            "resume": attempt > 1,
            "deadline_seconds": 100,
        }
        return AttemptContext(**known | changes)

    def pod(
        self,
        task: AttemptContext,
        *,
        settings: Settings | None = None,
        workspace: str = "workspace",
        secrets: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        **environ: str,
    ) -> Pod:
        """A pod of `task`, laid out but not started. `secrets` and `files` are paths below their mounts."""
        number = len(self.pods)
        root = self.path / f"pod-{number}"
        texts = {**task_files(task, settings or plain_settings()).files, **(files or {})}
        lay_out(root / "config", texts)
        lay_out(root / "etc/claude-code", {"managed-settings.json": texts["settings.json"]})
        given = {"ssh/id_ed25519": PRIVATE_KEY, "github-app/app-id": "12345", "github-app/private-key": PRIVATE_KEY}
        lay_out(root / "secrets", given if secrets is None else secrets)
        for name in ("home/agent", "tmp", "dev"):
            (root / name).mkdir(parents=True)
        (self.path / workspace).mkdir(exist_ok=True)
        (root / "workspace").symlink_to(self.path / workspace)
        found = Pod(root, self.environ(root, number) | environ)
        self.pods.append(found)
        return found

    def environ(self, root: Path, number: int) -> dict[str, str]:
        return {
            "PATH": search_path(),
            "POD_ROOT": str(root),
            "POD_UID": f"pod-uid-{number}",
            "HOME": str(root / "home/agent"),
            "TMPDIR": str(root / "tmp"),
            "ANTHROPIC_API_KEY": API_KEY,
            "AGENT_COMMAND": shlex.join([sys.executable, "-I", str(REHEARSAL)]),
            "REHEARSAL_SECONDS": "0",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self.remotes.url}.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://github.com/acme/",
        }

    def origin_runs(self, pack: str, script: str) -> dict[str, Any]:
        """Environment in which git talks to that script at its remote: in place of uploadpack or receivepack."""
        program = self.path / pack
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        key, value = "GIT_CONFIG_KEY_1", "GIT_CONFIG_VALUE_1"  # beside the one that every pod has
        return {"GIT_CONFIG_COUNT": "2", key: f"remote.origin.{pack}", value: str(program)}

    def agent(self, script: str) -> str:
        """AGENT_COMMAND for an agent that is a bash script; its last line tells how it ended."""
        path = self.path / f"agent-{time.monotonic_ns()}.sh"
        path.write_text(f"{script}\n")
        return shlex.join(["/bin/bash", str(path)])


def lay_out(directory: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
        (directory / name).chmod(0o400)
    directory.mkdir(parents=True, exist_ok=True)


def plain_settings(**sections: Any) -> Settings:
    return Settings.model_validate({"agent": {"image": "none"}, **sections})


def result_line(**fields: Any) -> str:
    """Bash that prints the agent's result line."""
    line = {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "result": "done",
        "session_id": "s",
        "num_turns": 3,
    }
    usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 7}
    return f"printf '%s\\n' {shlex.quote(json.dumps(line | {'total_cost_usd': 0.25, 'usage': usage} | fields))}"
