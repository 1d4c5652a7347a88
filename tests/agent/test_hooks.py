"""Hooks ship because they are there, and do what they say."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from functions.runs.reasons import Reason
from tests.agent.conftest import SpecFactory
from tests.agent.world import PATH, World, plain_settings

ROOT = Path(__file__).parents[2]


def test_a_hook_dropped_into_the_directory_runs(world: World, code_spec: SpecFactory) -> None:
    templates = world.path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    hook = "#!/bin/bash\ntouch {{ ('$POD_ROOT/ran-' ~ run) | sh | replace(\"'\", '\"') }}\n"
    (templates / "claude/code/hooks/stop-afterwards.sh.j2").write_text(hook)
    pod = world.pod(world.task(code_spec()), settings=plain_settings(templates=str(templates)))
    assert pod.run().reason is Reason.COMPLETED
    assert (pod.root / "ran-r1").exists(), pod.log


@pytest.fixture
def gh(world: World) -> str:
    """PATH with a `gh` that opens pull request 7 and notes how it was called."""
    program = world.path / "bin/gh"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/bash\necho "$@" >> "$POD_ROOT/gh"\n[[ $2 != create ]] || echo "https://github.com/acme/shop/pull/7"\n'
    )
    program.chmod(0o755)
    return f"{program.parent}:{PATH}"


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_with_a_token_the_stop_hook_opens_the_pull_request(
    world: World, code_spec: SpecFactory, docs_spec: SpecFactory, gh: str, kind: str
) -> None:
    spec = code_spec() if kind == "code" else docs_spec()
    pod = world.pod(world.task(spec), PATH=gh, GH_TOKEN="token-for-tests-only")
    told = pod.run()
    assert told.pull_request_url == "https://github.com/acme/shop/pull/7"
    assert "--base main --head agents/r1-3b2c1" in (pod.root / "gh").read_text()
    assert "No pull request" not in told.message


def test_without_a_token_none_is_opened(world: World, code_spec: SpecFactory, gh: str) -> None:
    pod = world.pod(world.task(code_spec()), PATH=gh)
    assert pod.run().pull_request_url is None
    assert not (pod.root / "gh").exists()


@pytest.mark.parametrize(
    ("name", "text", "broken"),
    [
        ("a.py", "def f():\n    pass\n", False),
        ("a.py", "def (:\n", True),
        ("a.json", "{", True),
        ("a.json", "{}", False),
        ("a.sh", "if then", True),
        ("a$(touch pwned).py", "def (:\n", True),
        ("a.txt", "{", False),
        ("missing.py", None, False),
    ],
)
def test_early_test_tells_the_agent_what_does_not_parse(
    world: World, code_spec: SpecFactory, name: str, text: str | None, broken: bool
) -> None:
    pod = world.pod(world.task(code_spec()))
    edited = world.path / name
    if text is not None:
        edited.write_text(text)
    done = subprocess.run(
        ["/bin/bash", str(pod.root / "config/hooks-early-test.sh")],
        input=json.dumps({"hook_event_name": "PostToolUse", "tool_input": {"file_path": str(edited)}}),
        cwd=world.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (2 if broken else 0)
    assert ("does not parse" in done.stderr) == broken
    assert not (world.path / "pwned").exists()
