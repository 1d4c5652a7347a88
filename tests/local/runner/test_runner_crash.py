"""After SIGKILL of the runner, a shim or the API server, no pod is started twice and none is forgotten."""

import os
import signal
import time

import psutil
import pytest

from functions.cluster.kinds import JOB
from functions.local.database import connect
from functions.local.runner.paths import Layout
from functions.local.runner.process import Plan, Process, end_leftovers
from functions.local.runner.records import Records
from functions.local.runner.recovery import recover


def test_processes_of_a_killed_runner_are_ended_before_a_new_start(machine, marker, terminated, living):
    with machine.runner_process():
        machine.job(f"trap '' TERM; echo $$ >>{marker}; (echo $BASHPID >>{marker}; sleep 60) & setsid sleep 60 & wait")
        machine.until(lambda: len(living(marker)) == 2 and machine.phase() == "Running")
        machine.job("true", "next", suspend=True)
    assert len(living(marker)) == 2, "the processes still run"
    with machine.runner():
        assert living(marker) == [], "the processes are ended when the runner has started"
        job, pod = machine.finished()
        assert pod["status"]["phase"] == "Failed"
        assert pod["status"]["reason"] == "NodeLost"
        assert pod["metadata"]["name"] in pod["status"]["message"]
        assert terminated(pod)["reason"] == "ContainerStatusUnknown"
        assert job["status"]["failed"] == 1
        assert machine.condition("Failed")["reason"] == "BackoffLimitExceeded"
        time.sleep(0.5)
        assert len(marker.read_text().split()) == 2, "the container was started once"
        assert not list((machine.state / "pods").iterdir())


def test_exit_during_the_runners_absence_is_reported_with_its_outcome(machine, marker, terminated, living):
    with machine.runner_process():
        machine.job(f"echo $$ >>{marker}; sleep 1.2; echo all done >$POD_ROOT/dev/termination-log; exit 0")
        machine.until(lambda: living(marker) and machine.phase() == "Running")
    machine.until(lambda: not living(marker) and list(machine.state.glob("containers/*/exit.json")))
    with machine.runner():
        _, pod = machine.finished()
        assert pod["status"]["phase"] == "Succeeded"
        assert terminated(pod)["message"] == "all done\n"
        assert machine.condition("Complete")


def test_agent_without_runner_and_shim_is_found_by_its_environment(machine, marker, living):
    with machine.runner_process():
        machine.job(f"echo $$ >>{marker}; setsid sleep 61 & echo $! >>{marker}; wait; sleep 60")
        machine.until(lambda: len(living(marker)) == 2)
        shim = psutil.Process(living(marker)[0]).parent()
    assert shim
    shim.kill()
    with machine.runner():
        assert living(marker) == []
        machine.finished()
        assert machine.pod()["status"]["reason"] == "NodeLost"


def test_killed_shim_fails_the_pod(machine, marker, terminated, living):
    with machine.runner():
        machine.job(f"echo $$ >>{marker}; sleep 60")
        machine.until(lambda: living(marker))
        parent = psutil.Process(living(marker)[0]).parent()
        assert parent
        parent.kill()
        _, pod = machine.finished()
        assert terminated(pod)["exitCode"] == 137
        assert living(marker) == []


@pytest.mark.parametrize("calls", range(2, 10))
def test_runner_killed_after_any_api_call_starts_each_pod_once(machine, marker, calls):
    machine.job(f"echo $$ >>{marker}; sleep 0.1")
    with machine.runner_process(calls) as process:
        machine.until(lambda: process.poll() is not None or machine.condition("Complete"))
    with machine.runner():
        machine.finished()
        assert machine.pod()["status"]["phase"] in ("Succeeded", "Failed")
    assert len(marker.read_text().split() if marker.exists() else []) <= 1


def test_second_runner_in_the_same_directory_is_refused(machine, marker, living):
    with machine.runner():
        machine.job(f"echo $$ >>{marker}; sleep 60")
        machine.until(lambda: living(marker))
        with pytest.raises(RuntimeError, match="another runner"), machine.runner():
            pass
        assert living(marker)


def test_pod_whose_shim_never_got_permission_is_started_after_a_restart(machine):
    layout = Layout(machine.state)
    job = machine.job("true")
    with machine.runner(max_processes=0):
        machine.until(machine.pod)
    records = Records(connect(layout.database))
    shim = Process()
    records.started(next(iter(records)), shim.pid, shim.started)
    assert shim._popen.stdin
    shim._popen.stdin.close()  # as when the runner dies
    recover(Records(connect(layout.database)), layout, "local", time.time())
    assert not psutil.pid_exists(shim.pid) or not shim.running
    with machine.runner():
        machine.finished()
        assert machine.condition("Complete")
    assert job["metadata"]["uid"]


@pytest.mark.parametrize("milliseconds", range(0, 100, 10))
def test_shim_found_during_its_start_is_ended_with_its_children(tmp_path, marker, living, milliseconds):
    shim = Process()
    argv = ["/bin/bash", "-c", f"echo $$ >>{marker}; sleep 60 & echo $! >>{marker}; wait"]
    plan = Plan(str(tmp_path), argv, {}, str(tmp_path), str(tmp_path / "log"), "none")
    shim.run(plan, on_end=lambda: None)
    time.sleep(milliseconds / 1000)
    assert end_leftovers(shim.pid, shim.started, [tmp_path])
    shim.wait(5)  # until the waiting thread has the exit code
    assert not shim.running
    time.sleep(0.05)
    assert living(marker) == []
    assert (tmp_path / "started").exists() or not marker.exists()


def test_unrelated_process_with_a_recorded_pid_is_not_ended(machine):
    layout = Layout(machine.state)
    machine.job("true")
    with machine.runner(max_processes=0):
        machine.until(machine.pod)
    records = Records(connect(layout.database))
    records.started(next(iter(records)), os.getpid(), 1.0)
    recover(records, layout, "local", time.time())
    assert psutil.Process().is_running()


def test_stopped_runner_ends_its_processes_and_reports_the_reason(machine, marker, living, terminated):
    with machine.runner():
        machine.job(f"trap 'echo bye >$POD_ROOT/dev/termination-log; exit 1' TERM; echo $$ >>{marker}; sleep 60 & wait")
        machine.until(lambda: living(marker))
    assert living(marker) == []
    with machine.runner():
        _, pod = machine.finished()
        assert pod["status"]["reason"] == "Terminated"
        assert terminated(pod)["message"] == "bye\n"


def test_runner_continues_after_an_outage_of_the_api_server(machine_without_server, marker, living):
    machine = machine_without_server
    with machine.runner():
        with machine.served():
            machine.job(f"echo $$ >>{marker}; sleep 1")
            machine.until(lambda: living(marker))
        machine.until(lambda: not living(marker))
        with machine.served():
            machine.finished()
            assert machine.condition("Complete")
            job = machine.job("true", "second")
            machine.finished("second")
            assert machine.get(JOB, "second")["metadata"]["uid"] == job["metadata"]["uid"]


def test_job_deleted_without_an_event_is_cleaned_up(machine, marker, living):
    with machine.runner_process():
        job = machine.job(f"echo $$ >>{marker}; sleep 60")
        machine.until(lambda: living(marker))
    machine.delete(JOB, job)
    with machine.runner():
        machine.until(lambda: machine.pods() == [])
        assert living(marker) == []
        machine.until(lambda: not list(machine.state.glob("logs/*/*")))


def test_failing_sync_of_a_job_does_not_delay_other_jobs(machine):
    machine.state.mkdir(parents=True, exist_ok=True)
    with machine.runner():
        blocked = machine.state / "logs" / "default"
        blocked.parent.mkdir(parents=True)
        blocked.write_text("in the way of the log's folder")
        machine.job("true", "first")
        machine.until(lambda: machine.pod("first"))
        time.sleep(0.3)
        blocked.unlink()
        machine.job("true", "second")
        machine.finished("second")
        machine.finished("first")


def test_sigterm_reaches_the_whole_process_group(machine, marker, living):
    with machine.runner():
        job = machine.job(
            f"(echo $BASHPID >>{marker}; exec sleep 60) & echo $$ >>{marker}; wait",
            pod={"terminationGracePeriodSeconds": 3600},  # SIGKILL would follow long after the test
        )
        machine.until(lambda: len(living(marker)) == 2)
        machine.delete(JOB, job)
        machine.until(lambda: not living(marker))


def test_container_has_its_own_process_group_and_session(machine, marker, living):
    with machine.runner():
        machine.job(f"echo $$ >>{marker}; sleep 60")
        machine.until(lambda: living(marker))
        assert os.getpgid(living(marker)[0]) != os.getpgid(0)
        assert os.getsid(living(marker)[0]) != os.getsid(0)
        os.kill(living(marker)[0], signal.SIGKILL)
        machine.finished()
