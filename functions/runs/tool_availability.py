"""Which MCP tools a run asks for and this installation does not have. Pure."""

from collections.abc import Collection, Iterator
from typing import assert_never

from functions.runs.model.specs import AnySpec, CodeRunSpec, DocsRunSpec


def split_names(listed: str | None) -> list[str]:
    """Return the names of a comma-separated list."""
    return [name.strip() for name in listed.split(",")] if listed else []


def unavailable_tools(spec: AnySpec, server_url: str, local_servers: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield a field of the spec and what is wrong with it, naming the setting.

    `server_url` is that of the tool server, empty without one; `local_servers` are the names of the local ones.
    """
    match spec:
        case DocsRunSpec():
            return
        case CodeRunSpec():
            yield from _unavailable_to_code(spec, server_url, local_servers)
        case _:
            assert_never(spec)


def _unavailable_to_code(
    spec: CodeRunSpec, server_url: str, local_servers: Collection[str]
) -> Iterator[tuple[str, str]]:
    if spec.remote_tools and not server_url:
        yield "remoteTools", "there is no tool server: the setting tools.server_url is empty"
    known = ", ".join(sorted(local_servers)) or "none"
    for name in split_names(spec.local_tools):
        if name not in local_servers:
            yield "localTools", f"there is no local tool {name}; the setting tools.local_servers has {known}"
