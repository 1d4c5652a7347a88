"""The source archive: the same bytes every time, complete, and each function does its work from it and nothing else.

reproducible   other times, modes, places and stray files change nothing; another source does
complete       all that functions/main.py imports is in it, nothing of one machine, exactly one requirements file
alone          with its requirements in an environment of their own, each function starts as the buildpack starts it,
               and one request each does its work on the embedded API server
"""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
import pytest
import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, DOCS_RUN, JOB
from functions.events.event import RESOURCE
from functions.local.dev.cluster import create_defaults, write_kubeconfig
from infra import archive
from tests.infra.buildpack import Release, build
from tests.infra.configured import PEM
from tests.support.api import api_server, transport
from tests.support.builders import CODE_SPEC, DOCS_SPEC

TARGETS = [
    each.name
    for each in ast.parse((archive.ROOT / "functions/main.py").read_text()).body
    if isinstance(each, ast.FunctionDef)
]
FRAMEWORK = re.compile(r"^functions-framework\b([^-]|$)", re.MULTILINE)
"""How the buildpack sees that it need not bring a functions-framework of its own."""


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    file = tmp_path_factory.mktemp("archive") / "functions.zip"
    archive.write(archive.ROOT, file)
    return set(zipfile.ZipFile(file).namelist())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources elsewhere, with other times, other modes, and what machines leave behind."""
    root = tmp_path / "elsewhere" / "clone"
    for room in ("functions", "templates"):
        shutil.copytree(archive.ROOT / room, root / room)
    shutil.copy(archive.ROOT / "requirements.txt", root)
    for path in sorted(root.rglob("*")):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700)
    (root / "functions" / ".DS_Store").write_text("x")
    (root / "functions" / "__pycache__").mkdir(exist_ok=True)
    (root / "functions" / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"x")
    return root


def test_the_same_sources_make_the_same_bytes(copy: Path, tmp_path: Path) -> None:
    here = archive.write(archive.ROOT, tmp_path / "here.zip")
    before = os.umask(0o077)
    try:
        there = archive.write(copy, tmp_path / "there.zip")
    finally:
        os.umask(before)
    assert here == there
    with (copy / "templates/claude/code/prompt.md.j2").open("a") as template:
        template.write("more\n")
    assert archive.write(copy, tmp_path / "there.zip") != here


def test_one_command_writes_it_and_says_its_sum(tmp_path: Path) -> None:
    file = tmp_path / "new" / "functions.zip"
    done = subprocess.run(
        [sys.executable, archive.ROOT / "infra/archive.py", file], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file}\n"


def test_it_holds_all_that_a_function_imports_and_nothing_of_one_machine(names: set[str]) -> None:
    graph = grimp.build_graph("functions", cache_dir=None)
    roots = {"functions.main", *graph.find_descendants("functions.handlers")}  # handlers are imported by name
    reached = roots.union(*(graph.find_upstream_modules(root) for root in roots))
    files = {f"{module.replace('.', '/')}.py" for module in reached}
    assert {file for file in files if file not in names and f"{file[:-3]}/__init__.py" not in names} == set()
    rooms = {"/".join(name.split("/")[:2]) for name in names}
    assert rooms.isdisjoint(archive.LEFT_OUT)
    assert {"functions/handlers", "templates/claude"} <= rooms


def test_its_root_is_what_the_buildpack_expects(names: set[str]) -> None:
    assert {name for name in names if "/" not in name} == {"main.py", "requirements.txt"}
    assert len(archive.MAIN.splitlines()) == 1
    assert [name for name in names if "requirements" in name] == ["requirements.txt"]
    requirements = (archive.ROOT / "requirements.txt").read_text()
    assert FRAMEWORK.search(requirements)
    pinned = re.findall(r"^[a-z0-9][^\s=]*==", requirements, re.MULTILINE)
    hashed = re.findall(r"^[a-z0-9][^\s=]*==\S+ \\\n    --hash=sha256:", requirements, re.MULTILINE)
    assert len(pinned) == len(hashed) > 20, "pip then refuses what has another hash"


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("release")
    archive.write(archive.ROOT, folder / "functions.zip")
    return build(folder / "functions.zip", folder)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Cluster]]:
    """The path of a kubeconfig, and the cluster it leads to."""
    folder = tmp_path_factory.mktemp("api")
    with api_server(folder / "database") as url:
        cluster = Cluster(transport(url, folder))
        create_defaults(cluster, "orchestrator", None)
        yield str(write_kubeconfig(folder, url, "orchestrator")), cluster


def environ(target: str, kubeconfig: str) -> dict[str, str]:
    found = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent", "ORCHESTRATOR_CLUSTER__KUBECONFIG": kubeconfig}
    if target == "github_webhook":  # nobody is at the end of this queue
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


def told(url: str, item: Any) -> int:
    """Sends the watch event of a change."""
    return posted(url, item, ce_id="1", ce_source="s", ce_specversion="1.0", ce_type=f"{RESOURCE}update")


@pytest.mark.timeout(600)  # the environment is made for it
def test_each_function_starts_from_the_archive_alone_and_does_its_work(
    release: Release, api: tuple[str, Cluster]
) -> None:
    kubeconfig, cluster = api
    done = []
    for target in sorted(TARGETS, key=lambda each: not each.startswith("submit")):
        with release.serving(target, environ(target, kubeconfig)) as url:
            work(target, url, cluster)
        done.append(target)
    assert sorted(done) == sorted(TARGETS)


def work(target: str, url: str, cluster: Cluster) -> None:
    """One request, and what it must have done."""
    match target:
        case "submit_docs":
            assert posted(url, dict(DOCS_SPEC)) == 201
            assert len(list(cluster.list(DOCS_RUN, "orchestrator"))) == 1
        case "submit_code":
            assert posted(url, dict(CODE_SPEC)) == 201
            assert len(list(cluster.list(CODE_RUN, "orchestrator"))) == 1
        case "reconcile":
            (run,) = cluster.list(CODE_RUN, "orchestrator")
            assert told(url, run) in (200, 204)
            started(cluster, run["metadata"]["name"])
        case "sweep":
            assert posted(url, {}) == 200
            (run,) = cluster.list(DOCS_RUN, "orchestrator")
            started(cluster, run["metadata"]["name"])
        case "job_finished":
            for job in cluster.list(JOB, "orchestrator"):
                assert told(url, job) in (200, 204)
        case "report":
            (run,) = cluster.list(DOCS_RUN, "orchestrator")
            assert told(url, run) in (200, 204)
        case "github_webhook":
            assert posted(url, {}) == 401, "it is not signed"
        case "console":
            page = urllib3.request("GET", url, retries=False, timeout=30)
            assert (page.status, b"Task 3 of api" in page.data) == (200, True)
            style = re.search(r'href="(/assets/console.css[^"]+)"', page.data.decode())
            assert style
            assert urllib3.request("GET", f"{url}{style[1]}", retries=False, timeout=30).status == 200
        case "github_event":
            assert posted(url, {}) == 400, "it is no event"
        case _:
            raise AssertionError(f"say what the work of {target} is")


def started(cluster: Cluster, name: str) -> None:
    """The run has a Job with task files, rendered from the templates of the archive."""
    jobs = [
        job for job in cluster.list(JOB, "orchestrator") if job["metadata"]["labels"]["agents.platform/run"] == name
    ]
    assert len(jobs) == 1
    files = cluster.get(
        CONFIG_MAP, "orchestrator", jobs[0]["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"]
    )
    assert "#!/" in files["data"]["container.sh"]
