"""Mounts, environment and log of a container; the status of a pod that cannot start."""

import asyncio
import json
import os
import sys
from datetime import datetime, timedelta

import pytest

from functions.cluster.kinds import POD, SECRET, VOLUME_CLAIM
from functions.local.pod_logs import Portion


def log_of(machine, terminated) -> str:
    return str(terminated(machine.finished()[1]).get("message", "")).strip()


def test_mounts_are_below_pod_root(machine, terminated):
    machine.config_map("files", {"container.sh": "echo hi", "settings.json": "{}"})
    machine.secret("key", **{"ssh-privatekey": "private"})
    machine.claim("workspace")
    volumes = [
        {"name": "files", "configMap": {"name": "files", "defaultMode": 0o755}},
        {"name": "key", "secret": {"secretName": "key", "items": [{"key": "ssh-privatekey", "path": "id_ed25519"}]}},
        {"name": "workspace", "persistentVolumeClaim": {"claimName": "workspace"}},
        {"name": "home", "emptyDir": {}},
    ]
    mounts = [
        {"name": "files", "mountPath": "/config", "readOnly": True},
        {"name": "files", "mountPath": "/etc/claude-code/managed-settings.json", "subPath": "settings.json"},
        {"name": "key", "mountPath": "/secrets/ssh"},
        {"name": "workspace", "mountPath": "/workspace"},
        {"name": "home", "mountPath": "/home/agent"},
    ]
    script = """cd $POD_ROOT
        stat -L -c '%a %n' config/container.sh etc/claude-code/managed-settings.json secrets/ssh/id_ed25519
        cat etc/claude-code/managed-settings.json secrets/ssh/id_ed25519
        touch workspace/kept home/agent/gone tmp/gone && ls $HOME $TMPDIR"""
    with machine.runner():
        machine.job(
            f"exec >$POD_ROOT/dev/termination-log; pwd; {script}", pod={"volumes": volumes, "volumeMounts": mounts}
        )
        cwd, *lines = log_of(machine, terminated).splitlines()
    assert cwd.endswith("/workspace")
    assert [line.split()[0] for line in lines[:3]] == ["555", "555", "400"]
    assert lines[3].startswith("{}private")
    assert (machine.state / "volumes/default/workspace/kept").exists()
    assert not list(machine.state.rglob("gone")), "the pod's own volumes are deleted with it"
    assert machine.get(VOLUME_CLAIM, "workspace")["status"]["phase"] == "Bound"
    assert not list(machine.state.rglob("id_ed25519"))


def test_environment_has_only_the_declared_variables(machine):
    machine.secret("keys", ANTHROPIC_API_KEY="k")
    machine.config_map("settings", {"A": "from-map", "B": "from-map"})
    env = [
        {"name": "A", "value": "own"},
        {"name": "REFERS", "value": "$(A) $$(A) $(UNKNOWN) $(touch x)"},
        {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "ANTHROPIC_API_KEY"}}},
        {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "nope", "key": "x", "optional": True}}},
        {"name": "HOME", "value": "/home/agent"},
    ]
    sources = [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "nope", "optional": True}}]
    with machine.runner(extra_env=lambda pod, _: {"AGENT_COMMAND": pod["metadata"]["labels"]["job-name"]}):
        command = [sys.executable, "-c", _PRINT_ENVIRONMENT]
        machine.job("", pod={"env": env, "envFrom": sources, "command": command})
        machine.finished()
        found = json.loads(machine.log())
        pod = machine.pod()
    root = str(machine.state / "pods" / pod["metadata"]["uid"])
    assert found == {
        "A": "own",
        "B": "from-map",
        "REFERS": "own $(A) $(UNKNOWN) $(touch x)",
        "POD_UID": pod["metadata"]["uid"],
        "KEY": "k",
        "AGENT_COMMAND": "work",
        "POD_ROOT": root,
        "HOME": f"{root}/home/agent",
        "TMPDIR": f"{root}/tmp",
        "PATH": os.environ["PATH"],
        "LANG": found["LANG"],
    }


_PRINT_ENVIRONMENT = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k != 'LC_CTYPE'}))"


def test_paths_below_a_mount_are_rewritten_on_the_command_line(machine):
    machine.config_map("files", {"container.sh": "echo ran $0 with $1 $2"})
    pod = {
        "volumes": [{"name": "files", "configMap": {"name": "files"}}],
        "volumeMounts": [{"name": "files", "mountPath": "/config"}],
        "command": ["/bin/bash", "/config/container.sh", "/configuration", "/config"],
    }
    with machine.runner():
        machine.job("", pod=pod)
        machine.finished()
        root = machine.state / "pods" / machine.pod()["metadata"]["uid"]
        assert machine.log() == f"ran {root}/config/container.sh with /configuration {root}/config\n"


def waiting(machine):
    pod = machine.pod()
    states = (pod or {}).get("status", {}).get("containerStatuses") or [{}]
    return states[0].get("state", {}).get("waiting")


SECRET_ENV = {"env": [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}]}


def test_pod_waits_for_a_missing_secret_of_its_environment_and_names_it(machine):
    with machine.runner():
        machine.job("true", pod=SECRET_ENV)
        machine.until(lambda: waiting(machine))
        assert waiting(machine) == {"reason": "CreateContainerConfigError", "message": 'secret "keys" not found'}
        machine.secret("keys", other="x")
        machine.until(lambda: "couldn't find key k in Secret default/keys" in waiting(machine)["message"])
        machine.cluster.patch(SECRET, "default", "keys", {"stringData": {"k": "v"}})
        machine.finished()
        assert machine.condition("Complete")


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"secret": {"secretName": "keys"}}, 'secret "keys" not found'),
        ({"configMap": {"name": "files"}}, 'configmap "files" not found'),
        (
            {"configMap": {"name": "there", "items": [{"key": "no", "path": "x"}]}},
            "references non-existent config key: no",
        ),
    ],
)
def test_event_names_why_a_volume_cannot_be_mounted(machine, volume, message):
    machine.config_map("there", {"yes": ""})
    with machine.runner():
        machine.job("true", pod={"volumes": [{"name": "v", **volume}]})
        machine.until(machine.events)
        (event,) = machine.events()
        assert (event["reason"], event["message"]) == (
            "FailedMount",
            f'MountVolume.SetUp failed for volume "v" : {message}',
        )
        assert event["involvedObject"]["uid"] == machine.pod()["metadata"]["uid"]
        machine.until(lambda: waiting(machine) == {"reason": "ContainerCreating"})


def test_pod_with_a_missing_volume_claim_is_unschedulable(machine):
    volume = {"name": "w", "persistentVolumeClaim": {"claimName": "workspace"}}
    with machine.runner():
        machine.job("true", pod={"volumes": [volume]})
        machine.until(lambda: machine.pod() and machine.pod()["status"].get("conditions"))
        (condition,) = machine.pod()["status"]["conditions"]
        assert (condition["type"], condition["status"], condition["reason"]) == (
            "PodScheduled",
            "False",
            "Unschedulable",
        )
        assert 'persistentvolumeclaim "workspace" not found' in condition["message"]
        machine.claim("workspace")
        machine.finished()


def test_pod_starts_without_optional_secrets(machine):
    volume = {"name": "key", "secret": {"secretName": "keys", "optional": True, "items": [{"key": "a", "path": "b"}]}}
    mount = {"name": "key", "mountPath": "/secrets/ssh"}
    with machine.runner():
        machine.job('test -z "$(ls $POD_ROOT/secrets/ssh)"', pod={"volumes": [volume], "volumeMounts": [mount]})
        machine.finished()
        assert machine.condition("Complete")


def test_waiting_pod_can_be_deleted(machine):
    with machine.runner():
        machine.job("true", pod=SECRET_ENV)
        machine.until(lambda: waiting(machine))
        machine.delete(POD, machine.pod())
        machine.finished()
        assert machine.condition("Failed")["reason"] == "BackoffLimitExceeded"
        machine.until(lambda: machine.pods() == [])


def test_log_is_followed_to_its_end(machine, marker):
    async def follow(name: str) -> bytes:
        pieces = []
        async for piece in machine.logs.open("default", name, Portion(tail_lines=1, follow=True)):
            pieces.append(piece)
            marker.touch()  # the container continues once its log is followed
        return b"".join(pieces)

    with machine.runner():
        machine.job(f"echo one; echo two; until [[ -e {marker} ]]; do sleep 0.05; done; echo three >&2; printf four")
        machine.until(lambda: machine.log() == "one\ntwo\n")
        found = asyncio.run(asyncio.wait_for(follow(machine.pod()["metadata"]["name"]), 60))
        assert found == b"two\nthree\nfour"


@pytest.mark.parametrize(
    ("lines", "expected"), [(None, b"1\n2\n3"), (0, b""), (1, b"3"), (2, b"2\n3"), (9, b"1\n2\n3")]
)
def test_tail_returns_the_last_lines_of_a_log(machine, lines, expected):
    place = machine.state / "logs" / "default" / "p.log"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"1\n2\n3")

    async def read() -> bytes:
        return b"".join([p async for p in machine.logs.open("default", "p", Portion(tail_lines=lines))])

    assert asyncio.run(read()) == expected


def test_log_lines_have_the_times_at_which_they_were_written(machine):
    async def read(**wanted) -> list[bytes]:
        name = machine.pod()["metadata"]["name"]
        log = machine.logs.open("default", name, Portion(**wanted))
        return b"".join([piece async for piece in log]).splitlines()

    with machine.runner():
        machine.job("echo one; sleep 1; echo two; printf three")
        machine.finished()
        lines = asyncio.run(read(timestamps=True))
        assert [line.split(b" ")[1] for line in lines] == [b"one", b"two", b"three"]
        first, second, third = (datetime.fromisoformat(line.split(b" ")[0].decode()) for line in lines)
        assert first < second <= third
        assert asyncio.run(read(since=second)) == [b"two", b"three"]
        assert asyncio.run(read(since=first, timestamps=True)) == lines
        assert asyncio.run(read(since=third + timedelta(seconds=1))) == []


def test_missing_log_is_reported(machine):
    async def read() -> None:
        async for _ in machine.logs.open("default", "nobody", Portion()):
            pass

    with pytest.raises(LookupError, match="nobody"):
        asyncio.run(read())
