"""Functions work from the files of the built image alone: as its user, with a read-only root.

The command is that of infra/terraform; each function gets one request, beside the embedded API server. The functions
of the cluster overlay execute whole runs from the same image in test_cluster_runs.py.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN
from functions.local.dev.cluster import create_defaults, write_kubeconfig
from tests.infra.configured import PEM
from tests.infra.functions_in_image import serving
from tests.support import images
from tests.support.api import api_server, transport
from tests.support.builders import CODE_SPEC
from tests.support.images import Image
from tests.support.installed import ROOT

TARGETS = {
    each.name for each in ast.parse((ROOT / "functions/main.py").read_text()).body if isinstance(each, ast.FunctionDef)
}
IN_THE_OVERLAY = {"submit_docs", "reconcile", "job_finished", "report", "sweep"}
"""Tested in test_cluster_runs.py; submit_code is tested here too, as the console shows its run."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Cluster]]:
    """Yield the path of a kubeconfig, and its cluster."""
    folder = tmp_path_factory.mktemp("api")
    with api_server(folder / "database") as url:
        cluster = Cluster(transport(url, folder))
        create_defaults(cluster, "orchestrator", {})
        kubeconfig = write_kubeconfig(folder, url, "orchestrator")
        folder.chmod(0o755)  # the image's user is another than that of the tests
        kubeconfig.chmod(0o644)
        yield str(kubeconfig), cluster


def environ(target: str, kubeconfig: str) -> dict[str, str]:
    images = {"ORCHESTRATOR_AGENT__IMAGE": "r.example/agent", "ORCHESTRATOR_BROKER__IMAGE": "r.example/orchestrator"}
    found = {**images, "ORCHESTRATOR_CLUSTER__KUBECONFIG": kubeconfig}
    if target == "github_webhook":  # no server listens at the queue's address
        found |= {
            "ORCHESTRATOR_QUEUES__URL": "http://127.0.0.1:9",
            "ORCHESTRATOR_GITHUB__WEBHOOK_SECRETS": '["secret"]',
        }
    if target == "github_event":
        found |= {"ORCHESTRATOR_GITHUB__APP_ID": "1", "ORCHESTRATOR_GITHUB__PRIVATE_KEY": PEM}
    return found


def posted(url: str, body: Any, **headers: str) -> int:
    given = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return urllib3.request("POST", url, body=json.dumps(body), headers=given, retries=False, timeout=30).status


@pytest.mark.timeout(images.BUILD_SECONDS)  # the first test with the image builds it
def test_functions_start_from_the_image_and_answer_a_request(
    orchestrator_image: Image, api: tuple[str, Cluster]
) -> None:
    kubeconfig, cluster = api
    for target in sorted(TARGETS - IN_THE_OVERLAY, key=lambda each: not each.startswith("submit")):
        with serving(orchestrator_image, target, environ(target, kubeconfig), Path(kubeconfig).parent) as url:
            work(target, url, cluster)


def work(target: str, url: str, cluster: Cluster) -> None:
    """Send one request and check its effect."""
    match target:
        case "submit_code":
            assert posted(url, dict(CODE_SPEC)) == 201
            assert len(list(cluster.list(CODE_RUN, "orchestrator"))) == 1
        case "github_webhook":
            assert posted(url, {}) == 401, "an unsigned delivery is refused"
        case "console":
            page = urllib3.request("GET", url, retries=False, timeout=30)
            assert (page.status, b"Task 3 of api" in page.data) == (200, True)
            style = re.search(r'href="(/assets/console.css[^"]+)"', page.data.decode())
            assert style
            assert urllib3.request("GET", f"{url}{style[1]}", retries=False, timeout=30).status == 200
        case "github_event":
            assert posted(url, {}) == 400, "a body that is not an event is refused"
        case _:
            raise AssertionError(f"add a request for {target}")
