"""One attempt of a code run whose agent is a few lines of shell."""

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
    """A pod whose agent runs these shell lines and ends well, saying `words`."""
    command = world.agent(f"{agent}\n{result_line(result=words)}")
    return world.pod(world.task(spec, **changes), AGENT_COMMAND=command)


def left(world: World, spec: RunSpec, agent: str, words: str = "done", **changes: Any) -> Report:
    """The report of such an attempt."""
    return pod_of(world, spec, agent, words, **changes).run()


def goes_on(world: World, spec: RunSpec, attempt: int = 2) -> None:
    """A further attempt of the run does its work in the workspace, and another run opens the repository there."""
    pod = pod_of(world, spec, "echo more > more-$RANDOM", attempt=attempt)
    result = pod.run()
    assert "starting the agent" in pod.log, pod.log
    assert result.outcome == "succeeded", pod.log
    opens(world, spec, run="r2")


def opens(world: World, spec: RunSpec, **changes: Any) -> None:
    """Open the repository in the workspace as the container script of an attempt does."""
    pod = world.pod(world.task(spec, **changes))
    home, state, start = pod.root / "home/agent", world.path / "workspace/.orchestrator", pod.root / "start.json"
    script = [pod.root / "config/open_repository.py", clone(world), state, home / "git", start]
    names = {f"GIT_{role}_{part}": "agent" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    environ = {**pod.environ, **names, "ORCHESTRATOR_STATE": str(state), "ORCHESTRATOR_START": str(start)}
    command = ["python3", "-E", "-s", *map(str, script)]
    done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def saved(world: World, name: str = "shop") -> list[str]:
    """Branches beside the run's, without the attempt's prefix."""
    return [each.removeprefix(f"{SAVED}/") for each in world.remotes.branches(name) if each.startswith(f"{SAVED}/")]


def clone(world: World) -> Path:
    """The clone in the workspace."""
    return next((world.path / "workspace").glob("shop-????????"))


def holds(world: World, text: str, name: str = "shop") -> bool:
    """Whether a file with that text is reachable from a branch of the remote."""
    command = ["git", "-C", str(world.remotes.root / name), "rev-list", "--objects", "--no-object-names", "--all"]
    return blob(text) in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def everything(world: World, name: str = "shop") -> str:
    """All that the remote holds, as text."""
    command = ["git", "-C", str(world.remotes.root / name), "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode(errors="replace")


def blob(text: str) -> str:
    """The name of a file's content in git."""
    data = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
