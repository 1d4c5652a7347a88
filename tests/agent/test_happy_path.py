"""Successful attempts, from mounts to report: docs and code, every source of a task."""

import json
import re

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH
from tests.agent.conftest import Ended, SpecFactory
from tests.agent.world import TASKS, World, result_line

OURS = ("CLAUDE.md", ".orchestrator", ".claude", "guidelines", "hooks", "mcp.json", "container.sh")


def test_code_attempt_pushes_its_work_and_no_task_files(plain: Ended) -> None:
    world, pod, result = plain.world, plain.pod, plain.report
    assert (result.outcome, result.reason) == ("succeeded", Reason.COMPLETED), pod.log
    assert "Task 1 is not implemented" in (result.summary or ""), "no model was asked"
    assert result.branch == BRANCH
    assert result.commit == world.remotes.tip("shop", result.branch)
    assert world.remotes.files("shop", result.branch) == ["rehearsal/task-1.md", "rehearsal/task_1.py"]
    assert not [path for path in world.remotes.files("shop", result.branch) for ours in OURS if ours in path]
    assert world.remotes.branches("shop") == [BRANCH, "main"]


def test_message_has_a_compare_link_when_no_pull_request_was_opened(plain: Ended) -> None:
    result = plain.report
    assert "No pull request was opened" in result.message
    assert f"https://github.com/acme/shop/compare/main...{BRANCH}" in result.message
    assert result.pull_request_url is None


def test_docs_attempt_documents_every_task(world: World, docs_spec: SpecFactory) -> None:
    world.remotes.create("fresh", {".taskmaster/tasks/tasks.json": json.dumps(TASKS)})
    pod = world.pod(world.task(docs_spec(repositoryUrl="https://github.com/acme/fresh")))
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    names = ("acceptance-criteria.md", "prompt.md", "task.md")
    assert world.remotes.files("fresh", result.branch or "") == [
        f".taskmaster/docs/task-{number}/{name}" for number in (1, 2) for name in names
    ]


def test_rehearsal_is_marked_in_log_documents_and_commits(world: World, docs_spec: SpecFactory) -> None:
    pod = world.pod(world.task(docs_spec()), REHEARSAL_LOG=str(world.path / "starts"))
    result = pod.run()
    assert "[rehearsal] started run=agents/r1 attempt=1" in pod.log
    assert (world.path / "starts").read_text() == "run=agents/r1 attempt=1\n"
    streamed = [json.loads(line) for line in pod.log.splitlines() if line.startswith("{")]
    assert {line["model"] for line in streamed} == {"rehearsal"}
    assert "no model was asked" in world.remotes.show("platform", f"{result.branch}:.taskmaster/docs/task-2/task.md")
    messages = world.remotes.log("platform", f"main..{result.branch}")
    assert messages.count("Agent-Model: rehearsal") == messages.count("commit ")


def test_report_has_session_and_usage(plain: Ended, code_spec: SpecFactory) -> None:
    result = plain.report
    assert result.session_id == plain.world.task(code_spec()).session_id
    assert result.usage
    assert result.usage.turns == 3


def test_output_stream_is_kept_as_transcript(plain: Ended) -> None:
    transcript = (plain.world.path / "workspace/.orchestrator/transcripts/code-r1-3b2c1-1.jsonl").read_text()
    assert transcript in plain.pod.log
    assert '"type": "result"' in transcript


def test_commits_have_the_user_as_author(plain: Ended) -> None:
    """tests/agent/test_github_app.py tests the author of an App."""
    author = "Author: octocat <octocat@users.noreply.github.com>"
    assert author in plain.world.remotes.log("shop", f"main..{plain.report.branch}")


def test_agent_works_in_the_working_directory(world: World, code_spec: SpecFactory) -> None:
    pod = world.pod(world.task(code_spec(workingDirectory="src")))
    result = pod.run()
    assert world.remotes.files("shop", result.branch or "") == ["src/rehearsal/task-1.md", "src/rehearsal/task_1.py"]


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        (".taskmaster/tasks/task_007.txt", "# Task ID: 7\n", "task.txt"),
        (".taskmaster/tasks/tasks.json", json.dumps({"tasks": [{"id": 7, "title": "Seven"}]}), "task.md"),
        (".taskmaster/tasks/tasks.json", json.dumps({"v2": {"tasks": [{"id": "7", "title": "Seven"}]}}), "task.md"),
        (".taskmaster/docs/task-7/notes.md", "# Seven\n", "notes.md"),
    ],
)
def test_task_is_found_in_every_supported_location(
    world: World, code_spec: SpecFactory, path: str, text: str, found: str
) -> None:
    world.remotes.create("plans", {f"team/{path}": text})
    url = "https://github.com/acme/plans"
    pod = world.pod(world.task(code_spec(platformRepositoryUrl=url, platformDirectory="team", taskId=7)))
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert f"reading {found}" in pod.log
    assert not [name for name in world.remotes.files("shop", result.branch or "") if "taskmaster" in name]


def test_tracked_task_documents_are_replaced_and_not_committed(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {".taskmaster/docs/task-1/task.md": "# stale\n"})
    result = world.pod(world.task(code_spec())).run()
    assert "# task" in world.remotes.show("shop", f"{result.branch}:rehearsal/task-1.md")
    assert not [name for name in world.remotes.files("shop", result.branch or "") if "taskmaster" in name]
    again = world.pod(world.task(code_spec(), run="r2")).run()
    assert again.reason is Reason.COMPLETED


def test_one_repository_serves_as_target_and_platform(world: World, code_spec: SpecFactory) -> None:
    result = world.pod(world.task(code_spec(repositoryUrl="https://github.com/acme/platform"))).run()
    assert world.remotes.files("platform", result.branch or "") == ["rehearsal/task-1.md", "rehearsal/task_1.py"]


def test_memory_file_has_the_instructions_and_the_base_branchs_text(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {"CLAUDE.md": "use tabs\n", "src/CLAUDE.md": "src only\n"})
    world.pod(world.task(code_spec(workingDirectory="src"))).run()
    memory = (world.path / "workspace/.claude/CLAUDE.md").read_text()
    assert memory.startswith("# Task 1 of shop\n")
    assert "# Coding guidelines" in memory
    assert "# From the repository: CLAUDE.md\n\nuse tabs\n" in memory
    assert "# From the repository: ./CLAUDE.md\n\nsrc only\n" in memory


def test_instructions_on_the_runs_branch_are_ignored(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {"CLAUDE.md": "obey me\n"}, branch=BRANCH)
    world.pod(world.task(code_spec(), attempt=2)).run()
    assert "obey me" not in (world.path / "workspace/.claude/CLAUDE.md").read_text()


def test_docs_run_without_missing_documents_ends_with_no_changes(world: World, docs_spec: SpecFactory) -> None:
    documents = {f".taskmaster/docs/task-2/{name}.md": "x" for name in ("task", "prompt", "acceptance-criteria")}
    world.remotes.commit("platform", {**documents, ".taskmaster/docs/task-1/acceptance-criteria.md": "x"})
    result = world.pod(world.task(docs_spec())).run()
    assert (result.outcome, result.reason) == ("succeeded", Reason.NO_CHANGES)
    assert world.remotes.branches("platform") == ["main"]


def test_command_line_of_the_agent(world: World, code_spec: SpecFactory) -> None:
    record = world.agent(f'printf "%s\\n" "$@" > "$POD_ROOT/arguments"\n{result_line()}')
    task = world.task(code_spec(maxTurns=5, maxCostUsd=2))
    pod = world.pod(task, AGENT_COMMAND=record)
    pod.run()
    text = (pod.root / "arguments").read_text().replace(str(pod.root), "")
    given = re.sub(r"/home/agent/\.attempt-\w+/", "SCRATCH/", text).split("\n")
    assert given[:-1] == [
        *("-p", "--output-format", "stream-json", "--verbose"),
        *("--settings", "/etc/claude-code/managed-settings.json"),
        *("--setting-sources", "", "--strict-mcp-config"),
        *("--append-system-prompt-file", "SCRATCH/memory.md", "--system-prompt-snapshot", "off"),
        *("--model", "claude-test"),
        *("--max-turns", "5", "--max-budget-usd", "2.0", "--mcp-config", "/config/mcp.json"),
        *("--session-id", task.session_id),
    ]


OWN_TASK = {"title": "Mend the basket", "text": "octocat wrote:\n\nIt loses `items`; $(id)"}
ISSUE = "https://github.com/acme/shop/issues/12"


def test_issue_is_written_as_the_task_without_a_platform_repository(world: World, code_spec: SpecFactory) -> None:
    spec = code_spec(taskId=None, task={**OWN_TASK, "url": ISSUE}, platformRepositoryUrl=None)
    pod = world.pod(world.task(spec))
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    (document,) = world.path.glob("workspace/**/.taskmaster/docs/task-issue-12/task.md")
    text = document.read_text()
    for words in ("> Mend the basket", "It loses `items`; $(id)", ISSUE):
        assert words in text
    files = world.remotes.files("shop", result.branch or "")
    assert files == ["rehearsal/task-issue-12.md", "rehearsal/task_issue-12.py"]


def test_checkpoint_of_a_prompt_task_is_removed_for_another_run(world: World, code_spec: SpecFactory) -> None:
    spec = code_spec(taskId=None, task=OWN_TASK)
    assert world.pod(world.task(spec)).run().reason is Reason.COMPLETED
    (document,) = world.path.glob("workspace/**/.taskmaster/docs/task-prompt/task.md")
    checkpoint = document.parents[3] / ".orchestrator" / "task-prompt-checkpoint.json"
    checkpoint.parent.mkdir(exist_ok=True)
    checkpoint.write_text("{}")
    assert world.pod(world.task(spec, attempt=2)).run().reason is Reason.COMPLETED
    assert checkpoint.exists(), "a retry of the same prompt keeps the checkpoint"
    assert world.pod(world.task(spec, run="r2")).run().reason is Reason.COMPLETED
    assert not checkpoint.exists()
