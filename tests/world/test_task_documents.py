"""CASES A15, A16 and "Missing for the agent": the documents of the task and of the project in the workspace."""

import json
from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH, clone, pod_of
from tests.agent.conftest import SpecFactory
from tests.agent.model_server import says
from tests.agent.world import World
from tests.world.claude_code import ClaudeCode, shell


def tagged(**tags: Any) -> str:
    """Return a tasks.json with tags."""
    return json.dumps({name: {"tasks": tasks, "metadata": {}} for name, tasks in tags.items()})


SUBTASK = {
    "id": 2,
    "title": "Parse",
    "description": "Read it.",
    "details": "With care.",
    "testStrategy": "Feed it junk.",
    "status": "pending",
    "dependencies": [1],
}
MASTER = [{"id": 1, "title": "Master's", "description": "M-MASTER"}]
OTHER = [{"id": 1, "title": "Other's", "description": "M-OTHER", "details": "All of it.", "subtasks": [SUBTASK]}]


def documents(world: World, spec: Any) -> dict[str, str]:
    """Return the task's documents in the agent's workspace."""
    pod = pod_of(world, spec, "true", words="NO_CHANGES: looked")
    assert pod.run().reason is Reason.NO_CHANGES, pod.log
    root = clone(world) / spec.working_directory / f".taskmaster/docs/task-{spec.task_id}"
    return {file.relative_to(root).as_posix(): file.read_text() for file in root.rglob("*") if file.is_file()}


def platform(world: World, files: dict[str, str]) -> None:
    """Commit files below `.taskmaster` of the platform repository, which has no documents of task 1."""
    world.remotes.create("tasks", {f".taskmaster/{name}": text for name, text in files.items()})


@pytest.fixture
def tagged_spec(code_spec: SpecFactory) -> SpecFactory:
    return lambda **changes: code_spec(platformRepositoryUrl="https://github.com/acme/tasks", **changes)


TAGS = {"tasks/tasks.json": tagged(master=MASTER, other=OTHER)}
STATE = {"state.json": json.dumps({"currentTag": "other"})}
CONFIG = {"config.json": json.dumps({"global": {"defaultTag": "other"}})}


@pytest.mark.parametrize(
    ("files", "asked", "words"),
    [
        (TAGS, {}, "M-MASTER"),
        (TAGS | STATE, {}, "M-OTHER"),
        (TAGS | CONFIG, {}, "M-OTHER"),
        (TAGS | STATE, {"taskTag": "master"}, "M-MASTER"),
        (TAGS, {"taskTag": "other"}, "M-OTHER"),
        (TAGS | {"state.json": "\ufeff{"}, {}, "M-MASTER"),
        ({"tasks/tasks.json": tagged(only=OTHER)}, {}, "M-OTHER"),
        ({"tasks/tasks.json": json.dumps({"tasks": OTHER})}, {"taskTag": "master"}, "M-OTHER"),
    ],
)
def test_agent_gets_the_task_of_the_tag(
    world: World, tagged_spec: SpecFactory, files: dict[str, str], asked: dict[str, str], words: str
) -> None:
    platform(world, files)
    assert words in documents(world, tagged_spec(**asked))["task.md"]


def test_agent_gets_the_documents_of_the_task_of_its_tag(world: World, tagged_spec: SpecFactory) -> None:
    own = {"docs/other/task-1/task.md": "other's\n", "docs/task-1/task.md": "master's\n"}
    platform(world, TAGS | own)
    assert documents(world, tagged_spec(taskTag="other")) == {"task.md": "other's\n"}


def test_text_file_of_a_tagged_task_is_found(world: World, tagged_spec: SpecFactory) -> None:
    platform(world, TAGS | {"tasks/task_001.txt": "master's\n", "tasks/task_001_other.txt": "other's\n"})
    assert documents(world, tagged_spec(taskTag="other")) == {"task.txt": "other's\n"}


@pytest.mark.parametrize("changes", [{"taskId": "1.2", "taskTag": "other"}])
def test_subtask_is_given_with_every_field_and_its_parent_task(
    world: World, tagged_spec: SpecFactory, changes: dict[str, Any]
) -> None:
    platform(world, TAGS | {"docs/other/task-1/acceptance-criteria.md": "- [ ] all\n"})
    found = documents(world, tagged_spec(**changes))
    task = found["task.md"]
    assert task.startswith("# Task 1.2: Parse\n\nRead it.\n")
    assert all(words in task for words in ("With care.", "Feed it junk.", "Depends on tasks 1", "status: pending"))
    assert "M-OTHER" in task, "the parent task follows"
    assert task.count("With care.") == 1
    assert found["task-1/acceptance-criteria.md"] == "- [ ] all\n"


def test_task_contains_the_fields_of_its_subtasks(world: World, tagged_spec: SpecFactory) -> None:
    platform(world, TAGS)
    task = documents(world, tagged_spec(taskTag="other"))["task.md"]
    assert "## Task 1.2: Parse" in task
    assert "With care." in task
    assert "Feed it junk." in task


@pytest.mark.parametrize("task_id", ["HAM-1", "a_b2", "T.9-x", "4a"])
def test_task_ids_may_be_strings(world: World, tagged_spec: SpecFactory, task_id: str) -> None:
    platform(world, {"tasks/tasks.json": json.dumps({"tasks": [{"id": task_id, "title": "X", "description": "M-X"}]})})
    assert "M-X" in documents(world, tagged_spec(taskId=task_id))["task.md"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taskTag": "nosuch"}, "there is no tag nosuch; tags of the file: master, other"),
        ({"taskId": 9}, "there is no task 9 in the tag master"),
        ({"taskId": "1.2"}, "there is no task 1.2 in the tag master; it is in other: give that as taskTag"),
    ],
)
def test_missing_tag_or_task_is_named_with_the_existing_ones(
    world: World, tagged_spec: SpecFactory, changes: dict[str, Any], words: str
) -> None:
    platform(world, TAGS)
    result = pod_of(world, tagged_spec(**changes), "true").run()
    assert result.reason is Reason.INVALID_INPUT
    assert words in result.message


PROJECT = {"docs/architecture.md": "M-ARCHITECTURE\n", "docs/prd.md": "M-PRD\n"}


def test_project_documents_are_copied_beside_the_task(cli: ClaudeCode, tagged_spec: SpecFactory) -> None:
    platform(cli.world, TAGS | PROJECT)
    look = shell("cat .taskmaster/docs/architecture.md .taskmaster/docs/prd.md && echo x > x && git status --porcelain")
    done = cli.run(tagged_spec(), look, says("Done."))
    said = str(done.model.tool_results()[0]["content"])
    assert said.split() == ["M-ARCHITECTURE", "M-PRD", "??", "x"]
    assert cli.world.remotes.files("shop", BRANCH) == ["x"]
    for name in ("docs/architecture.md", "docs/prd.md", "tasks/tasks.json", "docs/task-1/task.md"):
        assert f"- .taskmaster/{name}\n" in done.instructions


def test_tracked_file_is_not_overwritten_by_a_copied_document(world: World, tagged_spec: SpecFactory) -> None:
    platform(world, TAGS | PROJECT)
    world.remotes.commit("shop", {".taskmaster/docs/architecture.md": "the service's\n"})
    agent = "echo more >> .taskmaster/docs/architecture.md; cat .taskmaster/docs/task-1/platform-architecture.md > seen"
    pod_of(world, tagged_spec(), agent).run()
    assert world.remotes.show("shop", f"{BRANCH}:seen") == "M-ARCHITECTURE\n"
    assert world.remotes.show("shop", f"{BRANCH}:.taskmaster/docs/architecture.md") == "the service's\nmore\n"


def test_documents_copied_for_one_run_are_removed_for_the_next(world: World, tagged_spec: SpecFactory) -> None:
    platform(world, TAGS | PROJECT)
    pod_of(world, tagged_spec(), "echo x > x").run()
    world.remotes.create("tasks2", {".taskmaster/tasks/tasks.json": TAGS["tasks/tasks.json"]})
    spec = tagged_spec().model_copy(update={"platform_repository_url": "https://github.com/acme/tasks2"})
    agent = "ls .taskmaster/docs > seen; echo mine > .taskmaster/docs/architecture.md"
    result = pod_of(world, spec, agent, run="r2").run()
    assert result.branch
    assert world.remotes.show("shop", f"{result.branch}:seen") == "task-1\n"
    assert world.remotes.show("shop", f"{result.branch}:.taskmaster/docs/architecture.md") == "mine\n"


def test_docs_agent_gets_the_tag_its_tasks_and_their_directories(cli: ClaudeCode, docs_spec: SpecFactory) -> None:
    cli.world.remotes.create("tagged", {f".taskmaster/{name}": text for name, text in (TAGS | STATE).items()})
    spec = docs_spec(repositoryUrl="https://github.com/acme/tagged")
    instructions = cli.run(spec, says("NO_CHANGES: only looked")).instructions
    assert "- Tag: other. The documents of a task go to .taskmaster/docs/other/task-<id>/." in instructions
    assert "- 1: Other's\n" in instructions
    assert "Master's" not in instructions
