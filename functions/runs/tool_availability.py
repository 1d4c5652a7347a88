"""Which MCP tools a run asks for and this installation does not have. Pure."""

from collections.abc import Collection, Iterator

from functions.runs.model.run_spec import RunSpec


def unavailable_tools(spec: RunSpec, server_url: str, local_servers: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield a field of the spec and what is wrong with it, naming the setting.

    `server_url` is that of the tool server, empty without one; `local_servers` are the names of the local ones.
    """
    requested = spec.requested_tools
    if requested and requested.remote and not server_url:
        yield "remoteTools", "there is no tool server: the setting tools.server_url is empty"
    known = ", ".join(sorted(local_servers)) or "none"
    for name in requested.local if requested else ():
        if name not in local_servers:
            yield "localTools", f"there is no local tool {name}; the setting tools.local_servers has {known}"
