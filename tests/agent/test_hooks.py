"""Hooks in the directory run without registration, and check edited files."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.conftest import SpecFactory
from tests.agent.world import World, plain_settings

ROOT = Path(__file__).parents[2]


def test_hook_added_to_the_directory_runs(world: World, code_spec: SpecFactory) -> None:
    templates = world.path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    hook = "#!/bin/bash\ntouch {{ ('$POD_ROOT/ran-' ~ run) | sh | replace(\"'\", '\"') }}\n"
    (templates / "claude/code/hooks/stop-afterwards.sh.j2").write_text(hook)
    pod = world.pod(world.task(code_spec()), settings=plain_settings(templates=str(templates)))
    assert pod.run().reason is Reason.COMPLETED
    assert (pod.root / "ran-r1").exists(), pod.log


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
def test_early_test_hook_reports_files_that_do_not_parse(
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
