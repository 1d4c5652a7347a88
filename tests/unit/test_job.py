"""The Job of an attempt: hardened to Pod Security "restricted", and everything an agent needs mounted."""

import re
from typing import Any

import pytest

from functions.manifests import attempt
from functions.reconciler import rendering
from tests.support.builders import CODE_SPEC, UID, run, settings, with_attempt


def job(kind: str = "CodeRun", spec: Any = None, **sections: Any) -> Any:
    return attempt.job(with_attempt(run(kind, spec)), settings(**sections))


def pod(kind: str = "CodeRun", spec: Any = None, **sections: Any) -> Any:
    return job(kind, spec, **sections)["spec"]["template"]["spec"]


@pytest.mark.parametrize("kind", ["DocsRun", "CodeRun"])
def test_the_pod_passes_pod_security_restricted(kind: str) -> None:
    found = pod(kind)
    container = found["containers"][0]
    assert found["securityContext"]["runAsNonRoot"] is True
    assert found["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    allowed = {"configMap", "emptyDir", "secret", "persistentVolumeClaim"}
    assert all(set(volume) - {"name"} <= allowed for volume in found["volumes"])
    assert found["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(found)


def test_a_job_has_a_command_and_creates_one_pod_only() -> None:
    found = job()["spec"]
    assert pod()["containers"][0]["command"] == ["/bin/bash", "/config/container.sh"]
    assert (found["backoffLimit"], found["completions"], pod()["restartPolicy"]) == (0, 1, "Never")


def test_a_run_owns_its_job_and_task_files_but_not_the_workspace() -> None:
    found = with_attempt(run())
    for item in (attempt.job(found, settings()), attempt.fence(found), attempt.task_files(found, {}, "c")):
        assert [owner["uid"] for owner in item["metadata"]["ownerReferences"]] == [UID]
    assert "ownerReferences" not in attempt.claim(found, settings().job)["metadata"]


def test_every_expected_mount_exists_and_has_a_volume() -> None:
    for kind, credentials in (("DocsRun", "/secrets/ssh"), ("CodeRun", "/secrets/github-app")):
        found = pod(kind)
        mounts = {mount["mountPath"]: mount for mount in found["containers"][0]["volumeMounts"]}
        managed = mounts["/etc/claude-code/managed-settings.json"]
        assert {"/config", "/workspace", "/home/agent", "/tmp", "/run/broker"} <= set(mounts)
        assert (managed["subPath"], managed["readOnly"]) == ("settings.json", True)
        assert mounts["/etc/claude-code/CLAUDE.md"]["subPath"] == "CLAUDE.md"
        brokers = {mount["mountPath"]: mount for mount in found["initContainers"][0]["volumeMounts"]}
        assert {"/config", "/run/broker", credentials, "/secrets/model"} == set(brokers)
        mounted = {mount["name"] for mount in (*mounts.values(), *brokers.values())}
        assert mounted == {volume["name"] for volume in found["volumes"]}


@pytest.mark.parametrize("broker", ["sidecar", "container"])
@pytest.mark.parametrize("kind", ["DocsRun", "CodeRun"])
def test_secrets_are_mounted_only_in_the_broker_which_runs_as_another_user(kind: str, broker: str) -> None:
    found = pod(kind, job={"broker": broker})
    containers = {each["name"]: each for each in (*found["containers"], *found.get("initContainers", []))}
    secret = {volume["name"] for volume in found["volumes"] if "secret" in volume}
    assert secret == {"credentials", "model-credential"}
    mounted = {name: {mount["name"] for mount in each["volumeMounts"]} for name, each in containers.items()}
    assert secret <= mounted["broker"]
    assert not secret & mounted["agent"]
    assert "secret" not in str(containers["agent"]["env"]).lower()
    shared = next(mount for mount in containers["agent"]["volumeMounts"] if mount["name"] == "broker")
    assert shared["readOnly"] is True
    assert containers["broker"]["resources"]["requests"] == {"cpu": "20m", "memory": "96Mi"}
    security = containers["broker"]["securityContext"]
    assert security["runAsUser"] not in (0, found["securityContext"]["runAsUser"])
    assert (security["readOnlyRootFilesystem"], security["capabilities"]) == (True, {"drop": ["ALL"]})


def test_the_broker_is_a_native_sidecar_unless_the_cluster_is_too_old() -> None:
    (sidecar,) = pod()["initContainers"]
    assert (sidecar["name"], sidecar["restartPolicy"]) == ("broker", "Always")
    found = pod(job={"broker": "container"})
    assert [each["name"] for each in found["containers"]] == ["agent", "broker"]
    assert "initContainers" not in found
    assert "restartPolicy" not in found["containers"][1]
    annotations = job()["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"kubectl.kubernetes.io/default-container": "agent"}


def test_files_that_an_agent_cli_lacks_are_not_mounted() -> None:
    found = pod("CodeRun", {**CODE_SPEC, "agentCli": "codex", "model": "gpt-5"})
    mounts = [mount["mountPath"] for mount in found["containers"][0]["volumeMounts"]]
    assert "/etc/claude-code/CLAUDE.md" not in mounts


def test_a_code_run_mounts_a_volume_claim_and_a_docs_run_an_empty_dir() -> None:
    volumes = {volume["name"]: volume for volume in pod("CodeRun")["volumes"]}
    assert volumes["workspace"]["persistentVolumeClaim"] == {"claimName": "workspace-api-rex-2e06e942"}
    assert {"name": "workspace", "emptyDir": {}} in pod("DocsRun")["volumes"]


def test_the_git_key_is_readable_by_the_agents_user_where_it_is_mounted() -> None:
    secret = next(volume["secret"] for volume in pod("DocsRun")["volumes"] if "secret" in volume)
    assert (secret["secretName"], secret["optional"], secret["defaultMode"]) == ("github-ssh-octocat", True, 0o440)
    assert pod()["securityContext"]["fsGroup"] == 1000


def test_image_and_pull_secrets_come_from_configuration_only() -> None:
    found = pod(agent={"image": "r.example/a", "tag": "7", "pull_policy": "Always", "pull_secrets": ["reg"]})
    assert found["imagePullSecrets"] == [{"name": "reg"}]
    assert found["containers"][0]["image"] == "r.example/a:7"
    assert found["containers"][0]["imagePullPolicy"] == "Always"


def test_the_deadline_is_the_runs_timeout_or_the_setting_of_its_kind() -> None:
    assert attempt.deadline(with_attempt(run("DocsRun")), settings().job) == 14_400
    assert attempt.deadline(with_attempt(run("CodeRun")), settings().job) == 7200
    assert attempt.deadline(with_attempt(run("CodeRun", {"timeoutSeconds": 60})), settings().job) == 60


@pytest.mark.parametrize(("pending_wait", "longest"), [(900, 900), (3600, 3600), (60, 600)])
def test_a_jobs_deadline_includes_the_pending_wait(pending_wait: int, longest: int) -> None:
    """The script stops 120 s before the run's timeout, counted from its start; the Job's deadline counts from creation.

    A pod whose volume is attached elsewhere gets at least 10 minutes, even if `job.pending_wait` is shorter.
    """
    found, configured = with_attempt(run()), settings(job={"pending_wait": pending_wait})
    script = rendering.task_files(configured, found).files["container.sh"]
    works = int(re.findall(r"^readonly WORK_SECONDS=(\d+)$", script, re.MULTILINE)[0])
    deadline = attempt.job(found, configured)["spec"]["activeDeadlineSeconds"]
    assert (works, deadline) == (7200 - 120, 7200 + longest)


def test_dollar_references_in_env_values_are_escaped() -> None:
    env = {
        each["name"]: each
        for each in pod("DocsRun", {"env": [{"name": "MODE", "value": "$(x)"}]})["containers"][0]["env"]
    }
    assert env["MODE"]["value"] == "$$(x)"  # the kubelet turns $$ into $ and expands nothing


def test_the_model_credential_is_that_of_the_agent_cli() -> None:
    def key(**spec: Any) -> tuple[str, bool, list[str]] | None:
        volumes = [each["secret"] for each in pod("CodeRun", spec)["volumes"] if each["name"] == "model-credential"]
        found = next(iter(volumes), None)
        return found and (found["secretName"], found["optional"], [item["key"] for item in found["items"]])

    assert key() == ("claude-api-key", True, ["api-key"])
    assert key(agentCli="codex", model="gpt-5") == ("openai-api-key", True, ["api-key"])
    assert key(agentCli="unheard-of", model="gpt-5") is None


def test_job_and_pod_labels_name_run_service_agent_task_and_attempt() -> None:
    found = job()["metadata"]["labels"]
    assert found["agents.platform/run"] == "run-1"
    assert (found["agents.platform/service"], found["agents.platform/agent"]) == ("api", "rex")
    assert (found["agents.platform/task-id"], found["agents.platform/attempt"]) == ("3", "1")
    assert job()["spec"]["template"]["metadata"]["labels"] == found
