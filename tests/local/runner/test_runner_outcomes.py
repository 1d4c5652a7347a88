"""The outcome of a Job."""

import time
from datetime import datetime

import pytest

from functions.cluster.kinds import JOB, POD


def test_container_that_exits_with_0_completes_its_job(machine, terminated):
    with machine.runner():
        machine.job("echo words >$POD_ROOT/dev/termination-log; sleep 0.2")
        machine.until(lambda: machine.phase() == "Running")
        job, pod = machine.get(JOB, "work"), machine.pod()
        machine.until(lambda: machine.get(JOB, "work")["status"].get("ready") == 1)
        assert pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        assert pod["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
        assert pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "work"
        job, pod = machine.finished()
        assert pod["status"]["phase"] == "Succeeded"
        ended = terminated(pod)
        assert (ended["exitCode"], ended["reason"], ended["message"]) == (0, "Completed", "words\n")
        status = job["status"]
        assert (status["succeeded"], status.get("failed"), status.get("active")) == (1, None, None)
        assert [each["type"] for each in status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
        assert datetime.fromisoformat(status["startTime"]) <= datetime.fromisoformat(status["completionTime"])
        machine.until(lambda: not machine.pod()["metadata"].get("finalizers"))


@pytest.mark.parametrize(
    ("script", "code", "signal"), [("exit 3", 3, None), ("kill -9 $$", 137, 9), ("kill -TERM $$", 143, 15)]
)
def test_failed_container_fails_its_job(machine, terminated, script, code, signal):
    with machine.runner():
        machine.job(f"printf '%05000d' 1 >$POD_ROOT/dev/termination-log; {script}")
        job, pod = machine.finished()
        ended = terminated(pod)
        assert (ended["exitCode"], ended["reason"], ended.get("signal")) == (code, "Error", signal)
        assert len(ended["message"]) == 4096
        assert job["status"]["failed"] == 1
        assert machine.condition("Failed")["reason"] == "BackoffLimitExceeded"


def test_missing_command_fails_the_pod_with_start_error(machine, terminated):
    with machine.runner():
        machine.job("", pod={"command": ["/no/such/program"]})
        _, pod = machine.finished()
        assert terminated(pod)["exitCode"] == 128
        assert terminated(pod)["reason"] == "StartError"
        assert "/no/such/program" in terminated(pod)["message"]


def test_job_without_a_command_waits_with_create_container_error(machine):
    with machine.runner():
        machine.job("", pod={"command": []})
        machine.until(lambda: machine.pod() and machine.pod()["status"].get("containerStatuses"))
        waiting = machine.pod()["status"]["containerStatuses"][0]["state"]["waiting"]
        assert waiting["reason"] == "CreateContainerError"
        assert "command" in waiting["message"]


def test_background_processes_end_with_their_container(machine, marker, living):
    with machine.runner():
        machine.job(f"setsid sleep 60 & echo $! >>{marker}; (sleep 60 & echo $! >>{marker}); echo $$ >>{marker}")
        machine.finished()
        assert len(marker.read_text().split()) == 3
        assert living(marker) == []


def test_deadline_ends_also_processes_that_ignore_sigterm(machine, marker, living):
    with machine.runner():
        machine.job(
            f"trap '' TERM; (trap '' TERM; echo $BASHPID >>{marker}; while :; do sleep 0.1; done) &"
            f"echo $$ >>{marker}; wait; while :; do sleep 0.1; done",
            activeDeadlineSeconds=2,
        )
        machine.until(lambda: len(living(marker)) == 2)
        job, _ = machine.finished()
        assert (
            machine.condition("Failed")["reason"] == machine.condition("FailureTarget")["reason"] == "DeadlineExceeded"
        )
        assert job["status"]["failed"] == 1
        assert living(marker) == []
        machine.until(lambda: machine.pods() == [])


def test_deadline_patched_onto_a_running_job_stops_it_with_its_message(machine, terminated):
    stopped = "trap 'echo stopped >$POD_ROOT/dev/termination-log; exit 1' TERM"
    with machine.runner():
        machine.job(f"{stopped}; echo ready; while :; do sleep 0.05; done", pod={"terminationGracePeriodSeconds": 10})
        machine.until(lambda: machine.log() and machine.phase() == "Running")
        version = machine.pod()["metadata"]["resourceVersion"]
        machine.patch_job({"activeDeadlineSeconds": 1})
        machine.finished()
        watched = machine.cluster.watch(POD, "default", version, timeout_seconds=1)
        seen = [(verb, pod) for verb, pod in watched if verb != "BOOKMARK"]
        assert seen[-1][0] == "DELETED"
        assert terminated(seen[-1][1])["message"] == "stopped\n"


def test_job_with_parallelism_0_or_suspended_starts_no_pod(machine):
    with machine.runner():
        machine.job("true", "fence", parallelism=0, activeDeadlineSeconds=1)
        machine.job("true", "held", suspend=True)
        machine.job("true", "work")
        machine.finished("work")
        machine.finished("fence")
        assert machine.condition("Failed", "fence")["reason"] == "DeadlineExceeded"
        assert [pod["metadata"]["labels"]["job-name"] for pod in machine.pods()] == ["work"]
        assert not machine.get(JOB, "held")["status"].get("startTime")
        machine.patch_job({"suspend": False}, "held")
        machine.finished("held")
        assert machine.condition("Complete", "held")


@pytest.mark.parametrize(
    ("spec", "pod", "named"),
    [
        ({"backoffLimit": 2}, {}, "spec.backoffLimit"),
        ({"parallelism": 2}, {}, "spec.parallelism"),
        ({}, {"restartPolicy": "OnFailure"}, "restartPolicy"),
        ({}, {"initContainers": [{"name": "a", "image": "b"}]}, "initContainers"),
    ],
)
def test_unsupported_job_fields_are_named(machine, spec, pod, named):
    with machine.runner():
        machine.job("true", pod=pod, **spec)
        machine.finished()
        assert machine.condition("Failed")["reason"] == "UnsupportedPolicy"
        assert named in machine.condition("Failed")["message"]
        assert machine.pods() == []


def test_deleting_the_job_ends_the_process_and_then_the_pod(machine, marker, living):
    with machine.runner():
        job = machine.job(f"trap '' TERM; echo $$ >>{marker}; while :; do sleep 0.1; done")
        machine.until(lambda: living(marker))
        machine.delete(JOB, job)
        machine.until(lambda: machine.pods() == [])
        assert living(marker) == []
        machine.until(lambda: not any(path.is_file() for path in machine.state.glob("logs/*/*")))


def test_deleting_the_pod_fails_the_job_without_a_new_pod(machine, marker, living):
    with machine.runner():
        machine.job(f"echo $$ >>{marker}; sleep 60")
        machine.until(lambda: living(marker))
        machine.delete(POD, machine.pod())
        machine.finished()
        machine.until(lambda: machine.pods() == [])
        time.sleep(0.5)
        assert machine.pods() == []
        assert len(marker.read_text().split()) == 1


def test_finished_job_is_deleted_after_its_ttl(machine):
    with machine.runner():
        machine.job("true", ttlSecondsAfterFinished=1)
        machine.until(lambda: machine.get(JOB, "work") is None)
        machine.until(lambda: machine.pods() == [])


def test_twenty_concurrent_jobs_complete(machine, marker):
    with machine.runner(max_processes=8):
        for number in range(20):
            machine.job(f"echo $$ >>{marker}; sleep 0.3", f"work-{number}")
        for number in range(20):
            machine.finished(f"work-{number}", seconds=60)
            assert machine.condition("Complete", f"work-{number}")
    assert len(marker.read_text().split()) == 20
    assert len(machine.pods()) == 20
