"""Egress of agents with infra/kubernetes/base/network.yaml, in both readings of an ipBlock."""

from typing import Any

import pytest
import yaml

from tests.infra.network_policy import Destination, Reading, lets_out
from tests.support.installed import KUBERNETES

SYSTEM = {"kubernetes.io/metadata.name": "kube-system"}
KUBE_DNS = Destination("10.8.0.2", {"k8s-app": "kube-dns", "pod-template-hash": "x"}, SYSTEM)
NODE_LOCAL = Destination("10.8.0.9", {"k8s-app": "node-local-dns"}, SYSTEM)
NODE_LOCAL_ADDRESS = Destination("169.254.20.10")
METADATA = Destination("169.254.169.254")
GKE_METADATA = Destination("169.254.169.252")
AWS_METADATA = Destination("fd00:ec2::254")
GITHUB = Destination("140.82.121.4")
POD = Destination("10.8.3.4", {"app": "database"}, {"kubernetes.io/metadata.name": "shop"})
IMPOSTOR = Destination("10.8.3.5", {"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "shop"})
READINGS: tuple[Reading, ...] = ("addresses", "cilium")


@pytest.fixture(scope="module")
def agents() -> Any:
    (found,) = [
        each
        for each in yaml.safe_load_all((KUBERNETES / "base/network.yaml").read_text())
        if each["metadata"]["name"] == "orchestrator-agents"
    ]
    return found


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
@pytest.mark.parametrize("resolver", [KUBE_DNS, NODE_LOCAL, NODE_LOCAL_ADDRESS, METADATA])
def test_agents_reach_dns(agents: Any, resolver: Destination, protocol: str, reading: Reading) -> None:
    assert lets_out(agents, resolver, 53, protocol, reading)


@pytest.mark.parametrize("reading", READINGS)
def test_agents_reach_the_internet_and_no_metadata_server(agents: Any, reading: Reading) -> None:
    assert lets_out(agents, GITHUB, 443, "TCP", reading)
    assert lets_out(agents, GITHUB, 22, "TCP", reading)
    for server in (METADATA, GKE_METADATA, AWS_METADATA):
        assert not lets_out(agents, server, 80, "TCP", reading)
        assert not lets_out(agents, server, 443, "TCP", reading)


@pytest.mark.parametrize("reading", READINGS)
def test_agents_reach_pods_for_dns_only(agents: Any, reading: Reading) -> None:
    assert not lets_out(agents, POD, 5432, "TCP", reading)
    assert not lets_out(agents, POD, 53, "UDP", reading)
    assert not lets_out(agents, IMPOSTOR, 53, "UDP", reading)
    assert not lets_out(agents, KUBE_DNS, 10054, "TCP", reading)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("address", ["10.1.2.3", "172.31.255.1", "192.168.0.1", "100.64.0.1", "169.254.1.1", "fd12::1"])
def test_agents_reach_no_private_address(agents: Any, address: str, reading: Reading) -> None:
    assert not lets_out(agents, Destination(address), 443, "TCP", reading)


@pytest.mark.parametrize("reading", READINGS)
def test_the_component_tool_servers_allows_the_named_servers(reading: Reading) -> None:
    file = KUBERNETES / "components/tool-servers/tool-servers.yaml"
    tools, git = yaml.safe_load_all(file.read_text())
    server = Destination("10.8.3.4", {"app": "mcp"}, {"kubernetes.io/metadata.name": "tools"})
    assert lets_out(tools, server, 8080, "TCP", reading)
    assert not lets_out(tools, server, 22, "TCP", reading)
    assert not lets_out(tools, POD, 8080, "TCP", reading)
    assert lets_out(git, Destination("10.20.30.40"), 443, "TCP", reading)


@pytest.mark.parametrize("reading", READINGS)
def test_the_component_workload_identity_allows_the_metadata_server(reading: Reading) -> None:
    policy = yaml.safe_load((KUBERNETES / "components/workload-identity/metadata-server.yaml").read_text())
    assert lets_out(policy, METADATA, 80, "TCP", reading)
    assert lets_out(policy, GKE_METADATA, 988, "TCP", reading)
    assert not lets_out(policy, METADATA, 443, "TCP", reading)


@pytest.mark.parametrize("reading", READINGS)
def test_agents_of_the_rehearsal_reach_its_git_host(reading: Reading) -> None:
    items = yaml.safe_load_all((KUBERNETES / "rehearsal/git-host.yaml").read_text())
    (policy,) = [each for each in items if each["kind"] == "NetworkPolicy"]
    host = Destination("10.8.3.6", {"app.kubernetes.io/name": "git"})
    assert lets_out(policy, host, 2222, "TCP", reading)
    assert not lets_out(policy, POD, 2222, "TCP", reading)


def test_agents_accept_no_connections(agents: Any) -> None:
    assert "Ingress" in agents["spec"]["policyTypes"]
    assert "ingress" not in agents["spec"]


def test_a_policy_of_addresses_alone_blocks_dns_with_cilium(agents: Any) -> None:
    """The former policy fails with Cilium, so the evaluation detects the difference."""
    before = {"spec": {**agents["spec"], "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}}
    assert lets_out(before, KUBE_DNS, 53, "UDP", "addresses")
    assert not lets_out(before, KUBE_DNS, 53, "UDP", "cilium")
