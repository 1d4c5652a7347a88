"""What a run asks for and this installation does not offer: secrets, tools, resources. Pure.

Each function yields a field of the spec and what is wrong with it, naming the setting.
"""

from collections.abc import Collection, Iterator, Mapping

from pydantic.alias_generators import to_camel

from functions.runs.model.quantity import thousandths
from functions.runs.model.run_spec import RunSpec

Problems = Iterator[tuple[str, str]]


def forbidden_secrets(spec: RunSpec, allowed: Collection[str]) -> Problems:
    """Yield the secrets that no run may read as environment variables."""
    forbidden = sorted(set(spec.env_from_secrets or ()) - set(allowed))
    if forbidden:
        yield "envFromSecrets", f"{', '.join(forbidden)}: not listed in the setting secrets.allowed"


def unavailable_tools(spec: RunSpec, server_url: str, local_servers: Collection[str]) -> Problems:
    """Yield the MCP tools that are not configured.

    `server_url` is that of the tool server, empty without one; `local_servers` are the names of the local ones.
    """
    requested = spec.requested_tools
    if requested and requested.remote and not server_url:
        yield "remoteTools", "there is no tool server: the setting tools.server_url is empty"
    known = ", ".join(sorted(local_servers)) or "none"
    for name in requested.local if requested else ():
        if name not in local_servers:
            yield "localTools", f"there is no local tool {name}; the setting tools.local_servers has {known}"


def out_of_bounds(spec: RunSpec, bounds: Mapping[str, str]) -> Problems:
    """Yield the resources above their bound.

    `bounds` are the highest amounts, by Kubernetes' names of resources; a resource without one cannot be asked for.
    """
    for name, amount in (spec.resources.quantities if spec.resources else {}).items():
        setting = f"the setting job.max_resources.{name.replace('-', '_')}"
        field = f"resources.{to_camel(name.replace('-', '_'))}"
        if name not in bounds:
            yield field, f"cannot be asked for: {setting} is not set"
        elif thousandths(amount) > thousandths(bounds[name]):
            yield field, f"must be at most {bounds[name]} ({setting})"
