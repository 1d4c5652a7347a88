"""`orchestrator render`: the task files and objects of an attempt, without a cluster.

input        code and docs runs, also with an attempt under way, as JSON or YAML, from a file or standard input
output       files in a directory, or objects that an API server accepts, the same in each run
refused      every problem by field; invalid YAML; a missing file; a template that cannot be rendered
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.reconciler.rendering import task_files
from functions.runs.model.api_model import wire
from functions.runs.model.run import parse
from tests.clients.conftest import CommandLine
from tests.clients.in_process_cli import command
from tests.support.builders import CODE_SPEC, DOCS_SPEC, UID, raw_run, settings, with_attempt


def run(kind: str = "CodeRun", spec: Any = None, **changes: Any) -> dict[str, Any]:
    base = dict(CODE_SPEC if kind == "CodeRun" else DOCS_SPEC) if spec is None else spec
    return {"apiVersion": "agents.platform/v1", "kind": kind, "metadata": {"name": "run-1"}, "spec": base, **changes}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.yaml"


@pytest.mark.parametrize("kind", ["CodeRun", "DocsRun"])
def test_rendered_task_files_equal_those_of_the_function(tmp_path: Path, file: Path, kind: str) -> None:
    started = parse(raw_run(kind))
    started = with_attempt(started)
    file.write_text(json.dumps({**raw_run(kind), "status": wire(started.status)}))
    done = command("render", str(file), "--out", str(tmp_path / "out" / "files"))
    assert done.code == 0, done.err
    written = {each.name: each.read_text() for each in (tmp_path / "out" / "files").iterdir()}
    assert f"{len(written)} task files" in done.err
    assert written == task_files(settings(), started).files
    assert f"agents/run-1-{UID[:5]}" in written["container.sh"]


def test_rendered_objects_are_reproducible_and_need_no_setting(cli: CommandLine, file: Path) -> None:
    file.write_text(yaml.safe_dump(run()))
    first, second = cli("render", str(file)), command("render", str(file))
    assert (first.code, first.out) == (0, second.out)
    config_map, job, claim = yaml.safe_load_all(first.out)
    assert [each["kind"] for each in (config_map, job, claim)] == ["ConfigMap", "Job", "PersistentVolumeClaim"]
    assert config_map["metadata"]["name"] == job["metadata"]["name"]
    assert "task 3" in config_map["data"]["CLAUDE.md"].lower()
    assert "  container.sh: |\n" in first.out, "scripts are written as block text"
    assert "hooks-stop-commit.sh" in config_map["data"]


def test_standard_input_and_settings_are_used() -> None:
    given = yaml.safe_dump(run("DocsRun", metadata={"name": "d", "creationTimestamp": None, "uid": "none"}))
    image = "registry.example/a"
    done = command("render", "-", typed=given, ORCHESTRATOR_AGENT__IMAGE=image, ORCHESTRATOR_NAMESPACE="ns")
    config_map, job = yaml.safe_load_all(done.out)
    assert config_map["metadata"]["namespace"] == "ns"
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == f"{image}:latest"


@pytest.mark.parametrize(
    ("given", "code", "problems"),
    [
        (
            run(spec={**CODE_SPEC, "taskId": 0, "branch": "a b", "surprise": 1}, apiVersion="v1", metadata={}),
            1,
            ["apiVersion: must be", "metadata.name: ", "spec.taskId: ", "spec.branch: ", "spec.surprise: "],
        ),
        (run(spec={"taskId": 1}), 1, ["spec.service: is required", "spec.model: is required"]),
        (run(spec=[]), 1, ["spec: "]),
        (run(kind="Job"), 1, ["kind: must be DocsRun or CodeRun"]),
        (run(spec={**CODE_SPEC, "agentCli": "nobody"}), 1, ["agentCli nobody has no such directory"]),
        (
            run(spec={**CODE_SPEC, "envFromSecrets": ["a"]}),
            1,
            ["envFromSecrets: a: not listed in the setting secrets.allowed"],
        ),
        ([run()], 2, ["must hold one object"]),
        ("a: [", 2, ["is not YAML"]),
    ],
)
def test_an_invalid_run_is_refused_with_every_problem(
    tmp_path: Path, file: Path, given: Any, code: int, problems: list[str]
) -> None:
    file.write_text(given if isinstance(given, str) else yaml.safe_dump(given))
    refused = command("render", str(file), "--out", str(tmp_path / "out"))
    assert (refused.code, refused.out, (tmp_path / "out").exists()) == (code, "", False)
    assert [each for each in problems if each not in refused.err] == []


def test_unreadable_and_unwritable_files_are_named(tmp_path: Path, file: Path) -> None:
    missing = command("render", str(file))
    assert (missing.code, "cannot be read" in missing.err) == (2, True)
    file.write_text(yaml.safe_dump(run()))
    taken = command("render", str(file), "--out", str(file))
    assert (taken.code, "--out" in taken.err) == (1, True)


def test_missing_templates_are_named_with_their_setting(file: Path) -> None:
    file.write_text(yaml.safe_dump(run()))
    refused = command("render", str(file), ORCHESTRATOR_TEMPLATES=str(file.parent / "none"))
    assert (refused.code, "ORCHESTRATOR_TEMPLATES" in refused.err) == (1, True)


def test_a_template_that_cannot_be_rendered_is_named_with_its_line(tmp_path: Path, file: Path) -> None:
    templates = tmp_path / "templates" / "claude" / "code"
    templates.mkdir(parents=True)
    (templates / "prompt.md.j2").write_text("\n{{ taks_id }}\n")
    file.write_text(yaml.safe_dump(run()))
    refused = command("render", str(file), ORCHESTRATOR_TEMPLATES=str(tmp_path / "templates"))
    assert refused.code == 1
    assert "claude/code/prompt.md.j2, line 2: 'taks_id' is undefined" in refused.err


def test_a_missing_template_is_named_with_a_similar_file(tmp_path: Path, file: Path) -> None:
    """CASES A25."""
    templates = shutil.copytree(settings().templates, tmp_path / "templates")
    (templates / "claude/code/CLAUDE.md.j2").rename(templates / "claude/code/claude.md.j2")
    (templates / "claude/code/container.sh.j2").unlink()
    file.write_text(yaml.safe_dump(run()))
    refused = command("render", str(file), ORCHESTRATOR_TEMPLATES=str(templates))
    assert refused.code == 1
    assert "claude/code/CLAUDE.md.j2 is missing; there is claude/code/claude.md.j2" in refused.err
    assert "claude/code/container.sh.j2 is missing" in refused.err
