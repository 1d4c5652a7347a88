"""Every benchmark can be imported, and the bare functions do the same work as the functions they represent.

Benchmarks run only in `make bench`; without these tests a renamed name would break them unnoticed.
"""

import pkgutil
from importlib import import_module

import pytest

from tests import benchmarks
from tests.benchmarks import __main__ as bench
from tests.benchmarks import server
from tests.benchmarks.bare.cluster import Cluster
from tests.benchmarks.recording import record
from tests.benchmarks.rows import Aim, Row
from tests.benchmarks.work import Work
from tests.support.github import Github, serving

MODULES = [each.name for each in pkgutil.walk_packages(benchmarks.__path__, "tests.benchmarks.")]


@pytest.fixture
def bare_environment(monkeypatch, tmp_path):
    """Set the environment that the bare functions read at import."""
    calls = tmp_path / "calls.json"
    calls.write_text("[[], []]")
    given = {"CALLS": str(calls), "KUBECONFIG": "none", "QUEUE_URL": "http://127.0.0.1:1", "CODE": "204", "SECRET": "x"}
    for name, text in given.items():
        monkeypatch.setenv(f"BARE_{name}", text)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.usefixtures("bare_environment")
def test_a_module_can_be_imported(name):
    assert import_module(name).__doc__


def test_every_benchmark_has_rows():
    assert all(callable(import_module(f"tests.benchmarks.{name}").rows) for name in bench.NAMES)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Yield work on one API server and one GitHub."""
    with server.running(tmp_path_factory.mktemp("server")) as address, serving(Github()) as github:
        yield Work(address, github)


@pytest.mark.parametrize("target", ["submit_docs", "submit_code", "reconcile", "job_finished", "report", "sweep"])
def test_recorded_calls_do_the_work_for_another_run(work, target):
    recording, item = record(work, target), work.items[target]()
    cluster, versions = Cluster(str(work.address.kubeconfig)), dict[str, str]()
    for call in recording.calls(item.number, item.uid)[0]:
        if call["to"] == "cluster":
            cluster.send(call, versions)
    assert item.done()


def test_recorded_calls_to_github_include_one_token_request(work):
    sent = [call for call in record(work, "github_event").first if call["to"] == "github"]
    (token,) = [call for call in sent if call["url"].endswith("/access_tokens")]
    assert token["as_app"]
    assert [call["method"] for call in sent if not call["as_app"]].count("POST") == 1, "the reaction"


def test_a_ratio_is_compared_with_its_aim():
    assert Row("what", 2, "ms", 1, "baseline", Aim(1.35)).verdict == "missed"
    assert Row("what", 0.9, "runs/s", 1, "baseline", Aim(0.85, at_most=False)).verdict == "met"
