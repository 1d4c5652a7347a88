"""The settings `job.pod`: the attempt's pod has the additions, on the embedded API server and a real control plane."""

from typing import Any

import pytest

from functions.cluster.kinds import JOB
from functions.settings.pod_additions import PodSettings
from tests.cluster.driving import started, swept
from tests.support.api import Harness
from tests.support.run_steps import DONE, now, reason
from tests.world.clusters.pods import RUNNING, SCHEDULED, ended, named

MOUNT = {"name": "ca", "mountPath": "/opt/ca", "readOnly": True}
ADDED = PodSettings.model_validate(
    {
        "labels": {"cost-center": "7"},
        "annotations": {"sidecar.istio.io/inject": "false"},
        "node_selector": {"pool": "agents"},
        "tolerations": [{"key": "agents", "operator": "Exists"}],
        "topology_spread_constraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
        ],
        "service_account_name": "agents",
        "volumes": [{"name": "ca", "configMap": {"name": "ca"}}],
        "volume_mounts": [MOUNT],
        "sidecars": [{"name": "logs", "image": "logs:1", "volumeMounts": [MOUNT]}],
    }
)


@pytest.fixture(params=["embedded", "real"])
def both(request: pytest.FixtureRequest) -> Harness:
    found: Harness = request.getfixturevalue("world" if request.param == "embedded" else "real")
    found.configure(job=found.services.settings.job.model_copy(update={"pod": ADDED}))
    return found


def test_api_server_accepts_a_job_with_all_pod_settings(both: Harness) -> None:
    run = started(both)
    template: Any = both.kubelet.get(JOB, both.namespace, run.status.job_name or "")["spec"]["template"]
    assert ADDED.labels.items() <= template["metadata"]["labels"].items()
    assert ADDED.annotations.items() <= template["metadata"]["annotations"].items()
    spec = template["spec"]
    assert (spec["nodeSelector"], spec["serviceAccountName"]) == (ADDED.node_selector, "agents")
    assert ADDED.tolerations[0].items() <= spec["tolerations"][0].items()
    assert spec["topologySpreadConstraints"] == ADDED.topology_spread_constraints
    assert [container["name"] for container in spec["containers"]][-1] == "logs"
    assert "ca" in {volume["name"] for volume in spec["volumes"]}
    assert MOUNT in spec["containers"][0]["volumeMounts"]


def test_run_ends_with_the_agent_beside_a_configured_sidecar(real: Harness) -> None:
    real.configure(job=real.services.settings.job.model_copy(update={"pod": ADDED}))
    run = started(real)
    job = run.status.job_name or ""
    real.job_ready(job)
    swept(real)
    containers = [named("agent", ended(0, DONE)), named("logs", RUNNING)]
    status = {"phase": "Running", "conditions": [SCHEDULED], "containerStatuses": containers}
    real.node.set_pod_status(real.namespace, job, status)  # type: ignore[attr-defined]  # a kubelet's
    swept(real)
    assert reason(now(real, run)) == "Completed"
