"""The rules of Pod Security "restricted" (Kubernetes: Pod Security Standards, Baseline and Restricted), for pods
that no API server has admitted.

A rule takes a pod (metadata and spec) and yields the fields that violate it. The rules follow the text of the standard
and not the code that makes the pods, so that a mistake must be in both to pass.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Pod = Mapping[str, Any]
Rule = Callable[[Pod], Iterator[str]]

VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir"),
    *("ephemeral", "persistentVolumeClaim", "projected", "secret"),
}
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
}
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
PROFILES = {"RuntimeDefault", "Localhost"}


def problems(pod: Pod) -> dict[str, list[str]]:
    """Return the violated rules of a pod with their fields; empty if it passes."""
    found = {rule.__name__: list(rule(pod)) for rule in RULES}
    return {name: fields for name, fields in found.items() if fields}


def _containers(pod: Pod) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for each in pod["spec"].get(group) or ():
            yield f"{group}[{each['name']}]", each


def _contexts(pod: Pod) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the security contexts of the pod and of every container, empty if missing."""
    yield "spec", pod["spec"].get("securityContext") or {}
    for where, container in _containers(pod):
        yield where, container.get("securityContext") or {}


def _for_all(
    pod: Pod, holds: Callable[[Mapping[str, Any]], bool], refuses: Callable[[Mapping[str, Any]], bool]
) -> Iterator[str]:
    """Yield containers without a context that satisfies `holds`, own or the pod's, and any that `refuses` matches."""
    whole = holds(pod["spec"].get("securityContext") or {})
    for where, context in _contexts(pod):
        if refuses(context) or (where != "spec" and not whole and not holds(context)):
            yield where


def host_process(pod: Pod) -> Iterator[str]:
    for where, context in _contexts(pod):
        if (context.get("windowsOptions") or {}).get("hostProcess"):
            yield where


def host_namespaces(pod: Pod) -> Iterator[str]:
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if pod["spec"].get(name))


def privileged(pod: Pod) -> Iterator[str]:
    yield from (where for where, context in _contexts(pod) if context.get("privileged"))


def capabilities(pod: Pod) -> Iterator[str]:
    for where, container in _containers(pod):
        found = (container.get("securityContext") or {}).get("capabilities") or {}
        if "ALL" not in (found.get("drop") or ()) or set(found.get("add") or ()) - {"NET_BIND_SERVICE"}:
            yield where


def volume_types(pod: Pod) -> Iterator[str]:
    for volume in pod["spec"].get("volumes") or ():
        if set(volume) - {"name"} - VOLUMES:
            yield f"volumes[{volume['name']}]"


def host_ports(pod: Pod) -> Iterator[str]:
    for where, container in _containers(pod):
        if any(port.get("hostPort") for port in container.get("ports") or ()):
            yield where


def host_of_probes(pod: Pod) -> Iterator[str]:
    for where, container in _containers(pod):
        hooks = [container.get(name) for name in ("livenessProbe", "readinessProbe", "startupProbe")]
        hooks += list((container.get("lifecycle") or {}).values())
        for hook in filter(None, hooks):
            if any((hook.get(how) or {}).get("host") for how in ("httpGet", "tcpSocket")):
                yield where


def app_armor(pod: Pod) -> Iterator[str]:
    for name, value in (pod.get("metadata", {}).get("annotations") or {}).items():
        ours = name.startswith("container.apparmor.security.beta.kubernetes.io/")
        if ours and value != "runtime/default" and not value.startswith("localhost/"):
            yield name
    for where, context in _contexts(pod):
        if (context.get("appArmorProfile") or {"type": "RuntimeDefault"})["type"] not in PROFILES:
            yield where


def se_linux(pod: Pod) -> Iterator[str]:
    for where, context in _contexts(pod):
        found = context.get("seLinuxOptions") or {}
        if found.get("type", "") not in SELINUX_TYPES or found.get("user") or found.get("role"):
            yield where


def proc_mount(pod: Pod) -> Iterator[str]:
    yield from (where for where, context in _contexts(pod) if context.get("procMount", "Default") != "Default")


def sysctls(pod: Pod) -> Iterator[str]:
    found = (pod["spec"].get("securityContext") or {}).get("sysctls") or ()
    yield from (each["name"] for each in found if each["name"] not in SAFE_SYSCTLS)


def seccomp(pod: Pod) -> Iterator[str]:
    def profile(context: Mapping[str, Any]) -> Any:
        return (context.get("seccompProfile") or {}).get("type")

    return _for_all(pod, lambda each: profile(each) in PROFILES, lambda each: profile(each) not in {None, *PROFILES})


def privilege_escalation(pod: Pod) -> Iterator[str]:
    for where, container in _containers(pod):
        if (container.get("securityContext") or {}).get("allowPrivilegeEscalation") is not False:
            yield where


def running_as_non_root(pod: Pod) -> Iterator[str]:
    return _for_all(pod, lambda each: each.get("runAsNonRoot") is True, lambda each: each.get("runAsNonRoot") is False)


def running_as_user(pod: Pod) -> Iterator[str]:
    yield from (where for where, context in _contexts(pod) if context.get("runAsUser") == 0)


RULES: tuple[Rule, ...] = (
    host_process,
    host_namespaces,
    privileged,
    capabilities,
    volume_types,
    host_ports,
    host_of_probes,
    app_armor,
    se_linux,
    proc_mount,
    sysctls,
    seccomp,
    privilege_escalation,
    running_as_non_root,
    running_as_user,
)
