"""Values of people are rendered verbatim: metacharacters of shell, JSON, Jinja and TOML in every text field and
setting, in each language of the task files.

shell        run with real bash, and read back from its variables, git's configuration and the agent's command line
JSON, TOML   parsed
Python       the file with the deny rules, executed
Markdown     verbatim
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from functions.templating import engine
from functions.templating.render import AttemptContext, task_files
from functions.templating.variables import variables
from tests.conftest import SCALE
from tests.support import golden
from tests.support.builders import settings

META = "$(){}[]`'\"\\;&|<>*?#%!~^=+-,:@aé✓ \t\x7f"
TEXT = st.lists(
    st.sampled_from([*META, "{{", "}}", "{%", "%}", "{#", "$(touch x)", "`id`", "\\u0041"]), min_size=1
).map("".join)
LINES = st.lists(st.sampled_from([*META, "\n", "{{ run }}", "EOF"]), min_size=1).map("".join)
DIRECTORY = (
    st.text(st.sampled_from(list(META.replace("\\", "").replace("\t", "").replace("\x7f", "") + "/.")), min_size=1)
    .map(lambda text: f"d{text}")
    .filter(lambda text: ".." not in text and ".git" not in text)
)
BRANCH = st.text(st.sampled_from(list("$(){}`'\";&|<>#%!=+-,a")), min_size=1).map(lambda text: f"b{text}")
ADDRESS = st.text(st.sampled_from(list("$(){}[]`'\"\\;&|<>*?#%!~^=+-,:@a")), min_size=1).map(
    lambda text: f"https://a/{text}"
)
FEW = hypothesis_settings(
    max_examples=round(10 + 40 * SCALE), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def files(task: AttemptContext, **sections: Any) -> Mapping[str, str]:
    return task_files(task, settings(**sections)).files


def bash(script: str, *arguments: str) -> list[str]:
    """Run a script and return the values it prints, each followed by NUL."""
    command = ["/bin/bash", "-euc", script, "bash", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.split("\0")[:-1]


def part(name: str, task: AttemptContext) -> str:
    """Render one part of the container script."""
    chosen = settings()
    return engine.render(chosen.templates, name, variables(task, chosen, []))


@FEW
@given(directory=DIRECTORY, base=BRANCH, run=TEXT, namespace=TEXT)
def test_script_variables_have_the_values_verbatim(directory: str, base: str, run: str, namespace: str) -> None:
    task = golden.make_task("claude", "code", workingDirectory=directory, branch=base)
    task = replace(task, run=run, namespace=namespace)
    names = ("RUN", "WORKING_DIRECTORY", "BASE", "BRANCH", "REPOSITORY_URL")
    script = part("shared/parts/values.sh.j2", task) + "\n" + "".join(f'printf "%s\\0" "${name}"\n' for name in names)
    script += 'rm -rf -- "$SCRATCH"\n'
    assert bash(script) == [f"{namespace}/{run}", directory, base, task.branch, task.spec.repository_url]


@FEW
@given(directory=DIRECTORY, base=BRANCH)
@pytest.mark.parametrize("cli", golden.MODELS)
@pytest.mark.parametrize("kind", ["docs", "code"])
def test_scripts_with_any_values_are_valid_bash(cli: str, kind: str, directory: str, base: str) -> None:
    branch: dict[str, Any] = {"branch": base} if kind == "code" else {"sourceBranch": base}
    found = files(golden.make_task(cli, kind, workingDirectory=directory, **branch))
    scripts = [text for key, text in found.items() if key.endswith(".sh")]
    for script in scripts:
        subprocess.run(["/bin/bash", "-n"], input=script, text=True, check=True, timeout=20)


@FEW
@given(words=LINES)
@pytest.mark.parametrize("cli", golden.MODELS)
def test_the_prompt_equals_the_prompt_modification(cli: str, words: str) -> None:
    task = golden.make_task(cli, "code", promptModification=words, promptMode="replace")
    assert files(task)["prompt.md"] == words + "\n"
    assert words in files(golden.make_task(cli, "code", promptModification=words))["prompt.md"]


@FEW
@given(directory=DIRECTORY, base=BRANCH)
@pytest.mark.parametrize(("cli", "memory"), [("claude", "CLAUDE.md"), ("codex", "AGENTS.md")])
def test_the_memory_file_names_directory_and_branch_verbatim(cli: str, memory: str, directory: str, base: str) -> None:
    text = files(golden.make_task(cli, "code", workingDirectory=directory, branch=base))[memory]
    assert f"- Working directory: `{directory}` (" in text
    assert f"made from `{base}`." in text


@FEW
@given(rule=TEXT, endpoint=ADDRESS, url=ADDRESS)
def test_claude_code_settings_contain_rules_and_urls_verbatim(rule: str, endpoint: str, url: str) -> None:
    sections = {
        "permissions": {"agent_tools_override": True, "allow": [rule], "deny": [rule]},
        "telemetry": {"enabled": True, "otlp_endpoint": endpoint},
        "tools": {"server_url": url},
    }
    found = files(golden.make_task("claude", "code"), **sections)
    parsed = json.loads(found["settings.json"])
    assert parsed["permissions"]["deny"] == parsed["permissions"]["allow"] == [rule]
    assert parsed["env"]["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] == endpoint
    assert json.loads(found["client-config.json"])["server"] == url


@FEW
@given(endpoint=ADDRESS, directory=DIRECTORY, gateway=TEXT)
def test_codex_toml_contains_paths_and_urls_verbatim(
    tmp_path_factory: Any, endpoint: str, directory: str, gateway: str
) -> None:
    place = tmp_path_factory.mktemp("codex")
    found = files(golden.make_task("codex", "code"), telemetry={"enabled": True, "otlp_endpoint": endpoint})
    for name in ("settings.json", "codex_config.py"):
        (place / name).write_text(found[name])
    command = [sys.executable, "-I", str(place / "codex_config.py"), str(place / "settings.json"), directory]
    done = subprocess.run(
        command, env={"OPENAI_BASE_URL": gateway}, capture_output=True, text=True, check=True, timeout=20
    )
    written = tomllib.loads(done.stdout)
    assert written["otel"]["exporter"] == {"otlp-grpc": {"endpoint": endpoint}}
    assert written["projects"] == {directory: {"trust_level": "untrusted"}}
    assert written["model_providers"]["server"]["base_url"] == gateway
    assert {key: value for key, value in written.items() if key not in ("projects", "model_providers")} == {
        key: value for key, value in json.loads(found["settings.json"]).items() if key != "model_providers"
    }


@FEW
@given(rules=st.lists(TEXT.map(lambda text: f"Bash({text})"), min_size=1, max_size=3))
def test_the_codex_guard_contains_the_deny_rules(rules: list[str]) -> None:
    override = {"agent_tools_override": True, "allow": ["Bash"], "deny": rules}
    source = files(golden.make_task("codex", "code"), permissions=override)["hooks-guard-permissions.py"]
    known: dict[str, Any] = {"__name__": "guard"}
    exec(compile(source, "guard", "exec"), known)  # rendered from the project's template above
    assert known["DENY"] == rules


GUARDED = [
    ("Bash(git push *)", {"command": "git push origin main"}, True),
    ("Bash(git push *)", {"command": "git push"}, True),
    ("Bash(git push:*)", {"command": "cd x && git   push -f"}, True),
    ("Bash(git push *)", {"command": "git pushy"}, False),
    ("Bash(git push *)", {"command": "echo 'git push'"}, False),
    ("Bash(git push *)", {"command": "true;git push"}, True),
    ("Bash(git push *)", {"command": "A=1 B='2 3' git push"}, True),
    ("Bash(git push *)", {"command": "echo $(git push)"}, True),
    ("Bash(git push *)", {"command": "ls\ngit push"}, True),
    ("Bash(git push *)", {"command": "cat <<E\nit's\nE\ngit push"}, True),
    ("Bash(*.env*)", {"command": "cat .env"}, True),
    ("Bash", {"command": "anything"}, True),
    ("Edit(secrets/*)", {"command": "*** Begin Patch\n*** Update File: secrets/a\n+x\n*** End Patch"}, True),
    ("Edit(secrets/*)", {"command": "apply_patch <<'E'\n*** Add File: secrets/a\n+x\nE"}, True),
    ("Write(secrets/*)", {"command": "*** Begin Patch\n*** Add File: public/a\n+x\n*** End Patch"}, False),
    ("mcp__tools__delete", {"tool": "mcp__tools__delete"}, True),
    ("mcp__tools", {"tool": "mcp__tools__delete"}, True),
    ("mcp__tools", {"tool": "mcp__toolshed__delete"}, False),
    ("Bash(x)", {"broken": "{"}, True),
    ("Bash(x)", {"broken": "[]"}, True),
]


@pytest.mark.parametrize(("rule", "given", "refused"), GUARDED)
def test_the_codex_guard_refuses_denied_calls(tmp_path: Path, rule: str, given: dict[str, str], refused: bool) -> None:
    override = {"agent_tools_override": True, "allow": ["Bash"], "deny": [rule]}
    guard = tmp_path / "guard.py"
    guard.write_text(files(golden.make_task("codex", "code"), permissions=override)["hooks-guard-permissions.py"])
    tool = "apply_patch" if given.get("command", "").startswith("***") else given.get("tool", "Bash")
    call = given.get("broken") or json.dumps({"tool_name": tool, "tool_input": given})
    done = subprocess.run([sys.executable, "-I", str(guard)], input=call, capture_output=True, text=True, timeout=20)
    assert (done.returncode == 2) == refused, done.stderr
    assert (rule in done.stderr) == (refused and "broken" not in given)


def test_the_codex_guard_allows_everything_without_deny_rules(tmp_path: Path) -> None:
    guard = tmp_path / "guard.py"
    guard.write_text(files(golden.make_task("codex", "code"))["hooks-guard-permissions.py"])
    done = subprocess.run([sys.executable, "-I", str(guard)], input="{", capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
