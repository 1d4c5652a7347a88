"""Evaluation of a NetworkPolicy's egress, in the two readings of network plugins.

Kubernetes leaves open whether an ipBlock matches pods and nodes (Network Policies: ipBlock). In plugins that work by
addresses it does; in Cilium it matches only addresses outside the cluster (Cilium: Layer 3 policies, CIDR based).
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Reading = Literal["addresses", "cilium"]


@dataclass(frozen=True)
class Destination:
    """An address. With labels it is a pod; its namespace has the given labels, or is the policy's own without any."""

    address: str
    pod: Mapping[str, str] | None = None
    namespace: Mapping[str, str] = field(default_factory=dict)


def lets_out(policy: Mapping[str, Any], to: Destination, port: int, protocol: str, reading: Reading) -> bool:
    """Return whether a selected pod may send to the destination."""
    if "Egress" not in policy["spec"]["policyTypes"]:
        return True
    rules = policy["spec"].get("egress", ())
    return any(_port(rule, port, protocol) and _peer(rule, to, reading) for rule in rules)


def _port(rule: Mapping[str, Any], port: int, protocol: str) -> bool:
    ports = rule.get("ports", ())
    return not ports or any((each.get("protocol", "TCP"), each["port"]) == (protocol, port) for each in ports)


def _peer(rule: Mapping[str, Any], to: Destination, reading: Reading) -> bool:
    return "to" not in rule or any(_matches(peer, to, reading) for peer in rule["to"])


def _matches(peer: Mapping[str, Any], to: Destination, reading: Reading) -> bool:
    if "ipBlock" in peer:
        return (to.pod is None or reading == "addresses") and _inside(peer["ipBlock"], to.address)
    if to.pod is None:
        return False
    if "namespaceSelector" not in peer and to.namespace:
        return False  # a pod selector alone means the policy's own namespace
    selectors = {"podSelector": to.pod, "namespaceSelector": to.namespace}
    return all(_selected(peer[name], labels) for name, labels in selectors.items() if name in peer)


def _inside(block: Mapping[str, Any], address: str) -> bool:
    where = ipaddress.ip_address(address)
    within = [where in ipaddress.ip_network(each) for each in (block["cidr"], *block.get("except", ()))]
    return within[0] and not any(within[1:])


def _selected(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    return wanted.items() <= labels.items() and all(
        _expression(each, labels) for each in selector.get("matchExpressions", ())
    )


def _expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values", ())
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise AssertionError(f"no such operator: {operator}")
