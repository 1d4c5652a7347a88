"""Both servers, and a new namespace for every test."""

import itertools
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from functions.cluster.client import Cluster
from functions.cluster.kinds import NAMESPACE
from tests.contract.apiserver.client import Server
from tests.contract.apiserver.samples import Namespace
from tests.support import cluster_cleanup
from tests.support import embedded_server as embedded
from tests.support.control_plane import ControlPlane
from tests.support.kubeconfigs import transport_of
from tests.support.waiting import until

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PREFIX = f"contract-{secrets.token_hex(3)}"
"""Prefix of this session's namespaces: an existing cluster may have namespaces of others."""
counter = itertools.count(1)


@pytest.fixture(scope="session")
def embedded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with embedded.running(tmp_path_factory.mktemp("embedded") / "state.sqlite") as url:
        yield Server("embedded", url)


@pytest.fixture(scope="session")
def real_server(plane: ControlPlane) -> Iterator[Server]:
    server = Server("real", plane.url, plane.token, plane.certificate, plane.kubeconfig, plane.etcd)
    _define(server, embedded.CRDS / "samples.yaml")
    yield server
    _tidy_up(server)


def _tidy_up(server: Server) -> None:
    """Delete the session's namespaces on an existing cluster; a server that the tests started is only stopped."""
    if server.etcd:
        return
    assert server.kubeconfig
    admin = transport_of(server.kubeconfig)
    names = [item["metadata"]["name"] for item in Cluster(admin).list(NAMESPACE)]
    cluster_cleanup.delete(admin, [name for name in names if name.startswith(PREFIX)])
    server.delete(f"{DEFINITIONS}/samples.contract.agents.platform")


def _define(server: Server, file: Path) -> None:
    definition = yaml.safe_load(file.read_text())
    assert server.post(DEFINITIONS, definition).code in (201, 409)
    path = f"{DEFINITIONS}/{definition['metadata']['name']}"
    until(lambda: _established(server, path), 20, "the CRD is not established", every=0.1)


def _established(server: Server, path: str) -> bool:
    conditions = server.get(path).body.get("status", {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


@pytest.fixture(params=["embedded", "real"])
def server(request: pytest.FixtureRequest) -> Server:
    """Return the server under test; every test with this fixture runs on both."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def namespace(server: Server) -> Namespace:
    """Return a new namespace on the server under test."""
    return new_namespace(server)


@pytest.fixture
def embedded_namespace(embedded_server: Server) -> Namespace:
    """Return a new namespace on the embedded server, for behaviour that only it guarantees."""
    return new_namespace(embedded_server)


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[Namespace]:
    """Yield a namespace on an embedded server that keeps a history of five changes."""
    with embedded.running(tmp_path / "state.sqlite", history=5) as url:
        yield new_namespace(Server("embedded", url))


def new_namespace(server: Server) -> Namespace:
    name = f"{PREFIX}-{next(counter)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert server.post("/api/v1/namespaces", body).code == 201
    return Namespace(server, name)
