"""One real attempt: bash, git and local bare repositories, with its mounts below the test's directory."""

import json
import os
import py_compile
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from functions.broker.server import Mounts
from functions.local.runner.shim import process_tree
from functions.runs.model import naming, report
from functions.runs.model.run_spec import RunSpec
from functions.settings.model import Settings
from functions.templating.render import AttemptContext, task_files
from tests.agent import brokers
from tests.agent.brokers import Running
from tests.agent.remotes import Remotes
from tests.support import waiting
from tests.support.python import search_path

REHEARSAL = Path(__file__).parents[2] / "functions" / "local" / "rehearsal_agent.py"
UID = "3b2c1d4e-0000-4000-8000-000000000001"
API_KEY = "sk-test-4f5c2b7a9d1e"
"""The model's API key, which only the broker has."""
DEPLOY_TOKEN = "deploy-5e1f9a7c3b2d"
"""A secret in the agent's environment, as envFromSecrets provides it."""
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

WITHOUT_CAPABILITIES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
"""A pod has no capabilities: with them, root would bypass missing permissions."""


@dataclass
class Pod:
    """An attempt as a local process."""

    root: Path
    environ: Mapping[str, str]
    mounts: Mounts
    """The mounts of the broker's container; the broker runs in the test's process."""
    process: subprocess.Popen[bytes] | None = None
    broker: Running | None = None
    ending: ExitStack = field(default_factory=ExitStack)
    command: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.command = ["/bin/bash", str(self.root / "config/container.sh")]

    @property
    def log(self) -> str:
        return (self.root / "log").read_text()

    def start(self) -> "Pod":
        self.broker = self.ending.enter_context(brokers.serving(self.mounts))
        with (self.root / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.root / "workspace",
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def wait(self, seconds: float = 60) -> report.Report:
        """Wait for the end of the attempt; return its report."""
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
        """Wait until the log contains `words`."""
        self.until(lambda: words in self.log)

    def until(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until `condition` holds."""
        waiting.until(condition, seconds, lambda: self.log)

    def leftovers(self) -> list[str]:
        """Return the command lines of processes that the attempt started and did not end."""
        return [" ".join(process.cmdline()) for process in process_tree.processes_of_pod(self.root)]

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the script alone, as a kubelet does."""
        assert self.process
        self.process.send_signal(number)

    def kill_group(self, number: signal.Signals) -> None:
        """Send a signal to the script's whole process group."""
        assert self.process
        os.killpg(self.process.pid, number)

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        assert process_tree.end(lambda: process_tree.processes_of_pod(self.root)), "processes of the pod are left"
        self.ending.close()


@dataclass
class World:
    """Remotes, workspaces and pods of one test."""

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
        url: str = "https://github.com/acme/",
        git_config: Mapping[str, str] | None = None,
        **environ: str,
    ) -> Pod:
        """Return a pod of `task` with its mounts, not started; `secrets` and `files` are paths below their mounts.

        The broker has the secrets, by default all of them; the agent's container has none. Git finds the remotes in
        place of `url`, and has `git_config` in addition.
        """
        number = len(self.pods)
        root = self.path / f"pod-{number}"
        texts = {**task_files(task, settings or plain_settings()).files, **(files or {})}
        lay_out(root / "config", texts)
        lay_out(root / "etc/claude-code", {"managed-settings.json": texts["settings.json"]})
        given = {"ssh/id_ed25519": PRIVATE_KEY, "github-app/app-id": "12345", "github-app/private-key": PRIVATE_KEY}
        mounts = Mounts(self.path / f"pod-{number}-broker")
        mounts.root.mkdir()
        lay_out(mounts.secrets, {"model/credential": API_KEY, **(given if secrets is None else secrets)})
        self._configure(mounts, texts)
        mounts.shared.mkdir(parents=True)
        for name in ("home/agent", "tmp", "dev", "run"):
            (root / name).mkdir(parents=True)
        (root / "run/broker").symlink_to(mounts.shared)
        (self.path / workspace).mkdir(exist_ok=True)
        (root / "workspace").symlink_to(self.path / workspace)
        found = Pod(root, self.environ(root, number) | self._git(url, git_config or {}) | environ, mounts)
        self.pods.append(found)
        return found

    def environ(self, root: Path, number: int) -> dict[str, str]:
        return {
            "PATH": search_path(),
            "POD_ROOT": str(root),
            "POD_UID": f"pod-uid-{number}",
            "HOME": str(root / "home/agent"),
            "TMPDIR": str(root / "tmp"),
            "DEPLOY_TOKEN": DEPLOY_TOKEN,
            "AGENT_COMMAND": shlex.join([sys.executable, "-I", str(REHEARSAL)]),
            "REHEARSAL_SECONDS": "0",
        }

    def _configure(self, mounts: Mounts, texts: Mapping[str, str]) -> None:
        """Write the broker's task files, in which ssh repositories are at the remotes."""
        files = {name: texts[name] for name in ("broker.json", "known_hosts")}
        if self.remotes.url.startswith("ssh:"):
            files["broker.json"] = files["broker.json"].replace("https://github.com/acme/", self.remotes.url)
        lay_out(mounts.root / "config", files)

    def _git(self, url: str, more: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of git's configuration. Each remote has an entry; the broker's are as long."""
        names = ["", *(path.name for path in self.remotes.root.iterdir())]
        found = [(f"url.{self.remotes.url}{name}.insteadOf", f"{url}{name}") for name in names] + [*more.items()]
        environ = {"GIT_CONFIG_COUNT": str(len(found))}
        for index, (key, value) in enumerate(found):
            environ |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        return environ

    def origin_runs(self, pack: str, script: str) -> dict[str, Any]:
        """Return arguments of a pod whose git runs that script at the remote, in place of uploadpack or receivepack."""
        program = self.path / pack
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"git_config": {f"remote.origin.{pack}": str(program)}}

    def agent(self, script: str) -> str:
        """Return AGENT_COMMAND for an agent that is a bash script; its last line prints the result."""
        path = self.path / f"agent-{time.monotonic_ns()}.sh"
        path.write_text(f"{script}\n")
        return shlex.join(["/bin/bash", str(path)])


def lay_out(directory: Path, texts: Mapping[str, str]) -> None:
    """Write the files, Python modules also compiled: hundreds of attempts would each compile the same thirty."""
    for name, text in texts.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o400)
        if file.suffix == ".py":
            compiled = Path(cache_from_source(str(file)))
            compiled.parent.mkdir(exist_ok=True)
            compiled.write_bytes(_compiled(text))
    directory.mkdir(parents=True, exist_ok=True)


@cache
def _compiled(text: str) -> bytes:
    """Return the module as Python caches it; Python compiles a module again if its text differs from this one."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "module.py"), Path(folder, "module.pyc")
        source.write_text(text)
        py_compile.compile(str(source), str(target), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
        return target.read_bytes()


def plain_settings(**sections: Any) -> Settings:
    return Settings.model_validate({"agent": {"image": "none"}, "broker": {"image": "none"}, **sections})


def at(model_url: str) -> dict[str, Any]:
    """Return settings with which both agent CLIs use a scripted model."""
    codex = {"secret": "openai-api-key", "env": "OPENAI_API_KEY", "url": model_url}
    return {"model": {"url": model_url}, "secrets": {"api_keys": {"codex": codex}}}


def result_line(**fields: Any) -> str:
    """Return a bash line that prints the agent's result."""
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
