"""The workspace of code runs: one attempt at a time, one pod per attempt; work is never lost or mixed."""

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH, clone, pod_of, run_attempt
from tests.agent.conftest import SpecFactory
from tests.agent.world import Pod, World, result_line

WAITING = "echo started; until [[ -e $POD_ROOT/go ]]; do sleep 0.05; done; echo x > x"


def waiting_pod(world: World, spec: SpecFactory) -> Pod:
    pod = pod_of(world, spec(), WAITING).start()
    pod.until_logged("started")
    return pod


def test_second_pod_of_an_attempt_starts_no_agent(world: World, code_spec: SpecFactory) -> None:
    first = waiting_pod(world, code_spec)
    second = world.pod(world.task(code_spec()), REHEARSAL_LOG=str(world.path / "starts"))
    result = second.run()
    assert (result.outcome, result.reason) == ("failed", Reason.DUPLICATE_POD)
    assert "pod-uid-0" in result.message
    assert not (world.path / "starts").exists()
    (first.root / "go").touch()
    assert first.wait().reason is Reason.COMPLETED


def test_second_pod_after_the_end_of_the_attempt_is_refused(world: World, code_spec: SpecFactory) -> None:
    world.pod(world.task(code_spec())).run()
    assert world.pod(world.task(code_spec())).run().reason is Reason.DUPLICATE_POD


def test_another_run_waits_for_the_workspace(world: World, code_spec: SpecFactory) -> None:
    first = waiting_pod(world, code_spec)
    second = world.pod(world.task(code_spec(), run="r2")).start()
    second.until_logged("waiting for another attempt")
    assert "starting the agent" not in second.log
    (first.root / "go").touch()
    assert first.wait().reason is Reason.COMPLETED
    assert second.wait().reason is Reason.COMPLETED
    assert "x" not in world.remotes.files("shop", "agents/r2-3b2c1")


def test_wait_for_the_workspace_ends_at_the_deadline(world: World, code_spec: SpecFactory) -> None:
    waiting_pod(world, code_spec)
    second = world.pod(world.task(code_spec(), run="r2", deadline_seconds=2))
    assert second.run().reason is Reason.DEADLINE_EXCEEDED


def test_two_agents_of_a_service_work_at_the_same_time(world: World, code_spec: SpecFactory) -> None:
    first = waiting_pod(world, code_spec)
    second = world.pod(world.task(code_spec(), run="r2"), workspace="workspace-of-another")
    assert second.run().reason is Reason.COMPLETED
    (first.root / "go").touch()
    assert first.wait().reason is Reason.COMPLETED


def test_retry_continues_earlier_work(world: World, code_spec: SpecFactory) -> None:
    work = "echo 1 > one; git add one; git commit -qm one; echo 2 > two"
    run_attempt(world, code_spec(), f"{work}; mkdir -p .orchestrator; echo c > .orchestrator/c; exit 1")
    again = "[[ -e one && -e two && -e .orchestrator/c ]] && echo 3 > three"
    result = run_attempt(world, code_spec(), again, attempt=2)
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", result.branch or "") == ["one", "three", "two"]


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_retry_without_the_workspace_continues_the_pushed_branch(
    world: World, code_spec: SpecFactory, docs_spec: SpecFactory, kind: str
) -> None:
    spec = code_spec() if kind == "code" else docs_spec(repositoryUrl="https://github.com/acme/platform")
    first = run_attempt(world, spec, "echo 1 > one; exit 1")
    again = world.agent(f"[[ -e one ]] && echo 2 > two\n{result_line()}")
    pod = world.pod(world.task(spec, attempt=2), workspace="another", AGENT_COMMAND=again)
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    repository = spec.repository_url.rsplit("/", 1)[-1]
    assert world.remotes.files(repository, first.branch or "") == ["one", "two"]


def test_work_of_another_killed_run_is_kept_separately(world: World, code_spec: SpecFactory) -> None:
    first = waiting_pod(world, code_spec)
    (clone(world) / "half").write_text("unfinished")
    first.end()
    second = world.pod(world.task(code_spec(), run="r2"))
    result = second.run()
    assert result.reason is Reason.COMPLETED, second.log
    assert "half" not in world.remotes.files("shop", result.branch or "")
    back = world.pod(world.task(code_spec(), attempt=2))
    assert back.run().reason is Reason.COMPLETED
    assert "half" in world.remotes.files("shop", BRANCH)


@pytest.mark.parametrize("words", ["NO_CHANGES: not wanted", "done"])
def test_retry_without_changes_reports_the_earlier_work_on_the_branch(
    world: World, code_spec: SpecFactory, words: str
) -> None:
    run_attempt(world, code_spec(), "echo 1 > one; exit 1")
    pushed = world.remotes.tip("shop", BRANCH)
    result = run_attempt(world, code_spec(), "git reset -q --hard origin/main", words, attempt=2)
    assert result.reason is Reason.NO_CHANGES
    assert (result.branch, result.commit) == (BRANCH, pushed)
    assert f"{BRANCH} still has the work of an earlier attempt ({pushed[:10]})" in result.message
    assert world.remotes.tip("shop", BRANCH) == pushed


def test_link_in_place_of_task_documents_is_replaced_and_a_file_is_refused(
    world: World, code_spec: SpecFactory
) -> None:
    """A link is replaced and not committed; a file in place of a directory is named before the agent starts."""
    place = ".taskmaster/docs/task-1"
    agents = [
        f"echo 1 > one; rm -rf {place}; ln -s ../../src {place}",
        f"[[ -f {place}/task.md && -f src/app.py ]] && echo 2 > two; rm -rf .taskmaster; echo > .taskmaster",
        "echo 3 > three",
    ]
    results = [run_attempt(world, code_spec(), agent, attempt=number) for number, agent in enumerate(agents, 1)]
    assert [result.reason for result in results] == [Reason.COMPLETED, Reason.COMPLETED, Reason.INVALID_INPUT]
    assert world.remotes.files("shop", BRANCH) == [".taskmaster", "one", "two"]
    assert f".taskmaster is not a directory on {BRANCH}: the task's documents go to {place}" in results[2].message


def test_unknown_session_is_started_as_a_new_one(world: World, code_spec: SpecFactory) -> None:
    result = world.pod(world.task(code_spec(), attempt=2)).run()
    assert result.reason is Reason.COMPLETED


def test_memory_is_kept_for_a_retry_and_removed_for_another_run(world: World, code_spec: SpecFactory) -> None:
    world.pod(world.task(code_spec())).run()
    memory = world.path / "workspace/.claude/CLAUDE.md"
    with memory.open("a") as file:
        file.write("learned\n")
    world.pod(world.task(code_spec(), run="r2")).run()
    assert "learned" not in memory.read_text()
    world.pod(world.task(code_spec(), attempt=2)).run()
    assert memory.read_text().endswith("learned\n")
