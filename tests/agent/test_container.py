"""Attempts in a hardened container: uid 1000, no capabilities, a read-only root, group-readable keys, as process 1."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from functions.runs.model.run_spec import RunSpec
from tests.agent.attempts import BRANCH
from tests.agent.conftest import PARTS, SpecFactory
from tests.agent.container import Container, prepared
from tests.agent.model_server import Model, says, serving, uses
from tests.agent.sshd import SshServer
from tests.agent.world import World

MODEL = "claude-sonnet-4-5-20250929"
Start = Callable[..., Container]


@pytest.fixture
def start(ssh_world: World, ssh_server: SshServer, claude: str) -> Iterator[Start]:
    """Return a function that starts an attempt of a spec in a container with a model."""
    if os.getuid() != 0:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs root, to make a container")
    started: list[Container] = []

    def begin(spec: RunSpec, model: Model, **settings: Any) -> Container:
        container, environ = prepared(ssh_world, ssh_server, spec, model.url, **settings)
        started.append(container.start(PARTS.parents[1], environ))
        return started[-1]

    yield begin
    for container in started:
        container.end()


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_attempt_succeeds_in_a_hardened_container(
    ssh_world: World, start: Start, docs_spec: SpecFactory, code_spec: SpecFactory, kind: str
) -> None:
    make, repository = (docs_spec, "platform") if kind == "docs" else (code_spec, "shop")
    look = "id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status | tr -d '\\t'; touch /opt/x /usr/x /config/x"
    turn = uses("Bash", command=f"{{ {look}; }} > seen.txt 2>&1; echo $HOME > home.txt", description="look")
    with serving(Model([turn, says("Done.")])) as model:
        container = start(make(model=MODEL), model)
        result = container.wait()
    assert (result.outcome, result.reason) == ("succeeded", Reason.COMPLETED), container.log
    assert "not permitted" not in container.log
    seen = ssh_world.remotes.show(repository, f"{BRANCH}:seen.txt").splitlines()
    assert seen[:4] == ["1000", "CapEff:0000000000000000", "CapBnd:0000000000000000", "NoNewPrivs:1"]
    assert len([line for line in seen if "Read-only file system" in line]) == 3
    assert ssh_world.remotes.show(repository, f"{BRANCH}:home.txt") == "/home/agent\n"


def test_managed_settings_override_settings_in_the_workspace(
    ssh_world: World, start: Start, code_spec: SpecFactory
) -> None:
    """An earlier attempt could have written the user's settings, which are in the workspace."""
    own = ssh_world.path / "workspace/.claude/settings.json"
    own.parent.mkdir(parents=True)
    rules = {"permissions": {"allow": ["Bash(touch:*)"], "deny": [], "defaultMode": "bypassPermissions"}}
    own.write_text(json.dumps(rules))
    for path in (own.parent, own):
        os.chown(path, 1000, 1000)
    permissions = {"agent_tools_override": True, "allow": ["Bash"], "deny": ["Bash(touch:*)"]}
    turns = [uses("Bash", command=f"{word} > {word}", description="x") for word in ("touch", "id")]
    with serving(Model([*turns, says("Done.")])) as model:
        container = start(code_spec(model=MODEL), model, permissions=permissions)
        result = container.wait()
    assert result.reason is Reason.COMPLETED, container.log
    assert ssh_world.remotes.files("shop", BRANCH) == ["id"]
    assert "denied" in str(model.tool_results()[0]["content"])


def test_subagents_get_the_instructions_too(ssh_world: World, start: Start, code_spec: SpecFactory) -> None:
    ssh_world.remotes.commit("shop", {"CLAUDE.md": "Base says: tabs.\n"})
    ask = uses("Task", description="look", prompt="SUBAGENT-PROMPT", subagent_type="general-purpose")
    with serving(Model([ask, says("NO_CHANGES: looked")])) as model:
        container = start(code_spec(model=MODEL), model)
        assert container.wait().reason is Reason.NO_CHANGES, container.log
    request = json.dumps(model.requests[0])
    assert request.count("# Task 1 of shop") == 1
    assert "Base says: tabs." in request
    assert "It ends itself at " in request
    of_subagents = [json.dumps(each) for each in model.requests if "SUBAGENT-PROMPT" in json.dumps(each["messages"][0])]
    assert of_subagents
    assert all("# Task 1 of shop" in each for each in of_subagents)
