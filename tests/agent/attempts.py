"""Helpers: one attempt of a code run whose agent is a short shell script."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

from functions.runs.model.report import Report
from functions.runs.model.run_spec import RunSpec
from tests.agent.world import Pod, World, result_line

BRANCH = "agents/r1-3b2c1"
SAVED = "agents/saved/r1-3b2c1/1"


def pod_of(world: World, spec: RunSpec, agent: str, words: str = "done", **changes: Any) -> Pod:
    """Return a pod whose agent runs these shell lines, then prints a successful result with the text `words`."""
    command = world.agent(f"{agent}\n{result_line(result=words)}")
    return world.pod(world.task(spec, **changes), AGENT_COMMAND=command)


def run_attempt(world: World, spec: RunSpec, agent: str, words: str = "done", **changes: Any) -> Report:
    """Run such an attempt; return its report."""
    return pod_of(world, spec, agent, words, **changes).run()


def check_next_attempts(world: World, spec: RunSpec, attempt: int = 2) -> None:
    """Check that a further attempt succeeds in the workspace and that another run can open the repository."""
    pod = pod_of(world, spec, "echo more > more-$RANDOM", attempt=attempt)
    result = pod.run()
    assert "starting the agent" in pod.log, pod.log
    assert result.outcome == "succeeded", pod.log
    open_repository(world, spec, run="r2")


def open_repository(world: World, spec: RunSpec, **changes: Any) -> None:
    """Open the repository in the workspace as the container script does."""
    pod = world.pod(world.task(spec, **changes))
    home, state, start = pod.root / "home/agent", world.path / "workspace/.orchestrator", pod.root / "start.json"
    script = [pod.root / "config/open_repository.py", clone(world), state, home / "git", start]
    names = {f"GIT_{role}_{part}": "agent" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    environ = {**pod.environ, **names, "ORCHESTRATOR_STATE": str(state), "ORCHESTRATOR_START": str(start)}
    command = ["python3", "-E", "-s", *map(str, script)]
    done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def saved(world: World) -> list[str]:
    """Return the saved branches (agents/saved/...), without the attempt's prefix."""
    return [name.removeprefix(f"{SAVED}/") for name in world.remotes.branches("shop") if name.startswith(f"{SAVED}/")]


def clone(world: World) -> Path:
    """Return the path of the clone in the workspace."""
    return next((world.path / "workspace").glob("shop-????????"))


def is_on_remote(world: World, text: str) -> bool:
    """Return whether a branch of the remote reaches a file with that text."""
    command = ["git", "-C", str(world.remotes.root / "shop"), "rev-list", "--objects", "--no-object-names", "--all"]
    return blob(text) in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def remote_contents(world: World) -> str:
    """Return all contents of the remote as text."""
    command = ["git", "-C", str(world.remotes.root / "shop"), "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode(errors="replace")


def blob(text: str) -> str:
    """Return the object name that git gives to this content."""
    data = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
