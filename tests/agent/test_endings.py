"""The end of an attempt: work is pushed, no process is left, and a report states the outcome.

Ends: SIGTERM, the deadline, a failure of the agent, a rejected push, no output.
"""

import json
import signal
import time
from pathlib import Path

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH, pod_of, run_attempt
from tests.agent.conftest import Ended, SpecFactory
from tests.agent.world import Pod, World, result_line

# An agent that leaves work and a child in its own session that ignores SIGTERM, and does not exit.
STUBBORN = """
echo half > half.txt
printf '{"type": "system", "session_id": "s"}\\n'
setsid bash -c 'trap "" TERM; echo $$ > "$POD_ROOT/child"; while true; do sleep 0.1; done' &
while [[ ! -s $POD_ROOT/child ]]; do sleep 0.02; done
echo ready
wait
"""


def child_of(pod: Pod) -> Path:
    return Path("/proc") / (pod.root / "child").read_text().strip()


def test_sigterm_ends_all_processes_and_writes_a_report(world: World, code_spec: SpecFactory) -> None:
    pod = pod_of(world, code_spec(), STUBBORN).start()
    pod.until_logged("ready")
    assert child_of(pod).exists()
    pod.kill(signal.SIGTERM)
    result = pod.wait()
    assert (result.outcome, result.reason) == ("failed", Reason.TERMINATED)
    assert not child_of(pod).exists()
    assert world.remotes.files("shop", result.branch or "") == ["half.txt"]
    assert result.commit == world.remotes.tip("shop", result.branch or "")


def test_sigterm_to_the_process_group_ends_all_processes_and_writes_a_report(
    world: World, code_spec: SpecFactory
) -> None:
    pod = pod_of(world, code_spec(), STUBBORN).start()
    pod.until_logged("ready")
    pod.kill_group(signal.SIGTERM)
    result = pod.wait()
    assert result.reason is Reason.TERMINATED
    assert not child_of(pod).exists()
    assert world.remotes.files("shop", result.branch or "") == ["half.txt"]


def test_sigterm_during_a_git_command_ends_the_attempt_with_a_report(world: World, code_spec: SpecFactory) -> None:
    slow = world.origin_runs("uploadpack", 'echo waiting >&2\ntouch "$POD_ROOT/asked"\nexec sleep 60')
    pod = world.pod(world.task(code_spec()), **slow).start()
    pod.until((pod.root / "asked").exists)
    pod.kill(signal.SIGTERM)
    assert pod.wait(20).reason is Reason.TERMINATED


KILLALL = """
for process in /proc/[0-9]*; do
  if grep -qz "^POD_ROOT=$POD_ROOT$" $process/environ && [[ $(tr '\\0' ' ' <$process/cmdline) == {name}* ]]; then
    kill ${{process#/proc/}}
  fi
done 2>/dev/null
"""
"""Bash that acts as killall(1) on the processes of this pod."""


@pytest.mark.parametrize("before", ["", KILLALL.format(name="sleep")])
def test_container_ends_before_its_deadline(world: World, docs_spec: SpecFactory, before: str) -> None:
    started = time.monotonic()
    pod = pod_of(world, docs_spec(), f"echo x > x\n{before}\nsleep 600", deadline_seconds=12)
    result = pod.run()
    assert result.reason is Reason.DEADLINE_EXCEEDED
    assert time.monotonic() - started >= 9
    assert world.remotes.files("platform", result.branch or "") == ["x"]


def test_background_processes_of_the_agent_are_ended(world: World, code_spec: SpecFactory) -> None:
    pod = pod_of(world, code_spec(), "echo x > x; (setsid sleep 60 & echo $! > $POD_ROOT/child)")
    assert pod.run().reason is Reason.COMPLETED
    assert not child_of(pod).exists()


def test_agent_that_kills_its_own_servers_does_not_end_the_attempt(world: World, code_spec: SpecFactory) -> None:
    until_noticed = 'until grep -q "ignored a SIGTERM" "$POD_ROOT/log"; do sleep 0.05; done'
    pod = pod_of(world, code_spec(), f"{KILLALL.format(name='*python')}\n{until_noticed}\necho x > x")
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert "ignored a SIGTERM" in pod.log


def test_agent_that_kills_its_supervisor_is_ended_before_its_work_is_saved(
    world: World, code_spec: SpecFactory
) -> None:
    pod = pod_of(world, code_spec(), "echo x > x; kill -9 $PPID; while :; do sleep 0.1; done")
    result = pod.run()
    assert (result.outcome, result.reason) == ("failed", Reason.AGENT_ERROR)
    assert world.remotes.files("shop", result.branch or "") == ["x"]
    assert pod.leftovers() == []


def test_unreachable_remote_at_the_end_is_a_retriable_failure(world: World, code_spec: SpecFactory) -> None:
    gone = 'echo "fatal: unable to access: Could not resolve host: github.com" >&2; exit 128'
    remote = world.origin_runs("uploadpack", f'[ ! -e "$POD_ROOT/gone" ] || {{ {gone}; }}\nexec git-upload-pack "$@"')
    agent = world.agent(f'echo x > x; touch "$POD_ROOT/gone"\n{result_line()}')
    report = world.pod(world.task(code_spec()), AGENT_COMMAND=agent, **remote).run()
    assert (report.outcome, report.reason) == ("failed", Reason.NETWORK)
    assert "nothing was pushed" in report.message


def test_work_is_pushed_after_a_network_failure_at_the_end(world: World, code_spec: SpecFactory) -> None:
    fails = 'echo "fatal: unable to access: Failed to connect to github.com" >&2; exit 128'
    config = dict[str, str]()
    for pack in ("uploadpack", "receivepack"):
        program = (
            f'[ ! -e "$POD_ROOT/{pack}" ] || {{ rm "$POD_ROOT/{pack}"; {fails}; }}\nexec git-{pack[:-4]}-pack "$@"'
        )
        config |= world.origin_runs(pack, program)["git_config"]
    agent = world.agent(f"echo x > x; touch $POD_ROOT/uploadpack $POD_ROOT/receivepack\n{result_line()}")
    pod = world.pod(world.task(code_spec()), AGENT_COMMAND=agent, git_config=config)
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert not list(pod.root.glob("*pack"))


@pytest.mark.parametrize(
    ("agent", "reason", "words"),
    [
        (result_line(subtype="error_max_turns", is_error=True), Reason.MAX_TURNS, "3 turns"),
        (result_line(subtype="error_max_budget_usd", is_error=True), Reason.BUDGET_EXCEEDED, "0.25 USD"),
        (
            result_line(is_error=True, result='API Error: 529 {"error":{"type":"overloaded_error"}}'),
            Reason.OVERLOADED,
            "overloaded_error",
        ),
        (result_line(is_error=True, result="API Error: 429 rate_limit_error"), Reason.RATE_LIMITED, "rate_limit"),
        (result_line(is_error=True, result="Invalid API key"), Reason.CREDENTIAL_REFUSED, "Invalid API key"),
        (result_line(is_error=True, result="API Error: ECONNREFUSED"), Reason.NETWORK, "ECONNREFUSED"),
        ("echo 'it broke' >&2; exit 7", Reason.AGENT_ERROR, "exit code 7: it broke"),
        (f"{result_line()}; exit 3", Reason.AGENT_ERROR, "exit code 3"),
        ("exit 0", Reason.AGENT_ERROR, "no output"),
        (result_line(), Reason.NO_CHANGES, "NO_CHANGES"),
    ],
)
def test_failure_of_the_agent_is_reported_with_its_reason(
    world: World, code_spec: SpecFactory, agent: str, reason: Reason, words: str
) -> None:
    result = run_attempt(world, code_spec(), f"{agent}\nexit $?")
    assert (result.outcome, result.reason) == ("failed", reason)
    assert words in result.message
    assert result.branch is None


def test_agent_command_that_cannot_be_started_is_named(world: World, code_spec: SpecFactory) -> None:
    result = world.pod(world.task(code_spec()), AGENT_COMMAND="/nowhere/claude").run()
    assert result.reason is Reason.AGENT_ERROR
    assert "/nowhere/claude" in result.message


@pytest.mark.parametrize(
    "prelude", ["", 'printf \'{"type": "rate_limit_event", "rate_limit_info": {"resetsAt": 1800000000}}\\n\'']
)
def test_reset_time_of_a_rate_limit_is_reported(world: World, code_spec: SpecFactory, prelude: str) -> None:
    words = "Claude AI usage limit reached" + ("" if prelude else "|1800000000")
    result = run_attempt(world, code_spec(), f"{prelude}\n{result_line(is_error=True, result=words)}\nexit 1")
    assert result.reason is Reason.RATE_LIMITED
    assert result.rate_limit_reset_at
    assert result.rate_limit_reset_at.timestamp() == 1_800_000_000


def test_usage_includes_cached_tokens(world: World, code_spec: SpecFactory) -> None:
    result = run_attempt(world, code_spec(), "echo x > x")
    assert result.usage
    assert result.usage.model_dump() == {"cost_usd": 0.25, "input_tokens": 15, "output_tokens": 7, "turns": 3}


def test_no_changes_with_a_stated_reason_is_a_success(world: World, code_spec: SpecFactory) -> None:
    result = run_attempt(world, code_spec(), "", "I looked.\nNO_CHANGES: the endpoint is there already")
    assert (result.outcome, result.reason) == ("succeeded", Reason.NO_CHANGES)
    assert (result.message, result.summary) == ("the endpoint is there already", "I looked.")
    assert world.remotes.branches("shop") == ["main"]


def test_work_is_pushed_despite_a_stale_index_lock(world: World, code_spec: SpecFactory) -> None:
    result = run_attempt(world, code_spec(), "echo x > x; touch .git/index.lock; exit 1")
    assert world.remotes.files("shop", result.branch or "") == ["x"]


def test_work_of_a_failed_agent_is_pushed(world: World, code_spec: SpecFactory) -> None:
    result = run_attempt(world, code_spec(), "echo x > x; git add x; git commit -qm mine; echo y > y; exit 1")
    assert result.reason is Reason.AGENT_ERROR
    assert world.remotes.files("shop", result.branch or "") == ["x", "y"]


@pytest.mark.parametrize("elsewhere", ["git checkout -qb feature", "git checkout -q --detach"])
def test_commits_outside_the_branch_are_pushed_to_it(world: World, code_spec: SpecFactory, elsewhere: str) -> None:
    result = run_attempt(world, code_spec(), f"{elsewhere}; echo x > x; git add x; git commit -qm mine")
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", result.branch or "") == ["x"]
    assert world.remotes.branches("shop") == [BRANCH, "main"]


def test_work_is_pushed_when_the_agent_checks_out_the_base_branch(world: World, code_spec: SpecFactory) -> None:
    back = "git checkout -q --detach refs/remotes/origin/main"
    result = run_attempt(world, code_spec(), f"echo x > x; git add x; git commit -qm mine; {back}")
    assert world.remotes.files("shop", result.branch or "") == ["x"]


def test_push_rejected_by_the_server_is_reported(world: World, code_spec: SpecFactory) -> None:
    hook = world.remotes.root / "shop/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'policy: no agents here' >&2\nexit 1\n")
    hook.chmod(0o755)
    result = world.pod(world.task(code_spec())).run()
    assert (result.outcome, result.reason) == ("failed", Reason.PUSH_REFUSED)
    assert "policy: no agents here" in result.message
    assert "branch/agents" not in result.message, "a commit is named once"


@pytest.mark.parametrize("is_error", [True, False])
def test_report_fits_into_the_termination_message(world: World, code_spec: SpecFactory, is_error: bool) -> None:
    work = "" if is_error else "echo x > x"
    agent = f"{work}\n{result_line(is_error=is_error, result='😀' * 9000)}"
    pod = world.pod(world.task(code_spec()), AGENT_COMMAND=world.agent(agent))
    result = pod.run()
    shown = result.message if is_error else result.summary
    assert shown, pod.log
    assert set(shown[-500:]) == {"😀"}
    assert is_error or "/compare/main..." in result.message, "the summary is shortened first"
    assert len((pod.root / "dev/termination-log").read_bytes()) <= 4096


def test_exit_code_is_not_0_without_a_report(world: World, code_spec: SpecFactory) -> None:
    pod = world.pod(world.task(code_spec()), files={"attempt_report.py": "raise SystemExit(9)"}).start()
    assert pod.process
    assert pod.process.wait(30) != 0


def test_report_is_one_json_object(plain: Ended) -> None:
    content = json.loads((plain.pod.root / "dev/termination-log").read_text())
    assert set(content) == {
        "outcome",
        "reason",
        "message",
        "summary",
        "branch",
        "commit",
        "sessionId",
        "usage",
        "model",
    }
