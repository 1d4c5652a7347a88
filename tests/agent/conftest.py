"""The world of a test in this directory: remotes, specs, pods."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.runs.specs import CodeRunSpec, DocsRunSpec, RunSpec
from tests.agent.remotes import Remotes
from tests.agent.world import TASKS, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "remotes").mkdir()
    found = World(tmp_path, Remotes(tmp_path / "remotes"))
    found.remotes.create("shop", {"README.md": "shop\n", "src/app.py": "print()\n"})
    documents = {f".taskmaster/docs/task-1/{name}.md": f"# {name}\n- [ ] say hello\n" for name in ("task", "prompt")}
    found.remotes.create("platform", {".taskmaster/tasks/tasks.json": json.dumps(TASKS), **documents})
    yield found
    for pod in found.pods:
        pod.end()


SpecFactory = Callable[..., RunSpec]


@pytest.fixture
def code_spec() -> SpecFactory:
    def make(**changes: Any) -> CodeRunSpec:
        known = {
            "repositoryUrl": "https://github.com/acme/shop",
            "platformRepositoryUrl": "https://github.com/acme/platform",
            "taskId": 1,
            "service": "shop",
            "model": "claude-test",
            "githubUser": "octocat",
        }
        return CodeRunSpec.model_validate(known | changes)

    return make


@pytest.fixture
def docs_spec() -> SpecFactory:
    def make(**changes: Any) -> DocsRunSpec:
        known = {
            "repositoryUrl": "https://github.com/acme/platform",
            "sourceBranch": "main",
            "model": "claude-test",
            "githubUser": "octocat",
        }
        return DocsRunSpec.model_validate(known | changes)

    return make
