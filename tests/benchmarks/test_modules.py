"""Every benchmark can be imported, and the bare functions do the work of the functions that they stand for.

Benchmarks run only in `make bench`, so that without these tests a renamed name would break them unnoticed.
"""

import pkgutil
from importlib import import_module
from pathlib import Path

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
    """The environment that the bare functions read when they are imported."""
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


def test_the_calls_of_reconcile_do_its_work_for_another_run(tmp_path: Path):
    with server.running(tmp_path) as address:
        work = Work(address)
        recording = record(work, "reconcile")
        item = work.items["reconcile"]()
        assert not item.done()
        first, _ = recording.calls(item.number, item.uid)
        cluster, versions = Cluster(str(address.kubeconfig)), dict[str, str]()
        for call in first:
            cluster.send(call, versions)
        assert item.done()


def test_the_calls_to_github_begin_with_a_token(tmp_path: Path):
    with server.running(tmp_path) as address, serving(Github()) as github:
        recording = record(Work(address, github), "github_event")
    sent = [call for call in recording.first if call["to"] == "github"]
    (token,) = [call for call in sent if call["url"].endswith("/access_tokens")]
    assert token["as_app"]
    assert [call["method"] for call in sent if not call["as_app"]].count("POST") == 1, "the reaction"


def test_a_ratio_is_compared_with_its_aim():
    assert Row("what", 2, "ms", 1, "baseline", Aim(1.35)).verdict == "missed"
    assert Row("what", 0.9, "runs/s", 1, "baseline", Aim(0.85, at_most=False)).verdict == "met"
