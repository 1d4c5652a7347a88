"""Find the templates that make the task files of an attempt, by the layout of the templates directory.

    shared/                      for every agent CLI and kind of work
    <agentCli>/shared/           for every kind of work of that agent CLI
    <agentCli>/<kind>/           for docs or for code
    <agentCli>/agents/<agent>/<kind>/   for one agent

A later directory overrides an earlier one file by file. In each, `NAME.j2` becomes the task file `NAME`, and
`hooks/NAME.j2` becomes `hooks-NAME`; other subdirectories hold parts to include.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from functions.templating.engine import TemplateError

SUFFIX = ".j2"
HOOK = "hooks-"
"""Prefix of the task files that are hooks; keys of a ConfigMap cannot contain a slash."""

_CONFIG_MAP_KEY = re.compile(r"[-._a-zA-Z0-9]+")
"""Keys of a ConfigMap (Kubernetes: ConfigMap, data)."""


def find(templates: Path, agent_cli: str, kind: str, agent: str | None) -> Mapping[str, str]:
    """Return template names (relative to `templates`, with `/`) by task file name, sorted by the latter.

    Raises:
        TemplateError: `<agentCli>/<kind>` is not a directory.
    """
    own = f"{agent_cli}/{kind}"
    if not (templates / own).is_dir():
        raise TemplateError(own, None, f"agentCli {agent_cli} has no such directory in {templates}")
    names = {key: name for layer in _layers(agent_cli, kind, agent) for key, name in _files(templates, layer)}
    return dict(sorted(names.items()))


def directories(templates: Path, agent_cli: str, kind: str, agent: str | None) -> list[Path]:
    """Return the directories that are searched; some may not exist."""
    return [templates / each for layer in _layers(agent_cli, kind, agent) for each in (layer, f"{layer}/hooks")]


def _layers(agent_cli: str, kind: str, agent: str | None) -> list[str]:
    layers = ["shared", f"{agent_cli}/shared", f"{agent_cli}/{kind}"]
    return [*layers, f"{agent_cli}/agents/{agent}/{kind}"] if agent else layers


def _files(templates: Path, layer: str) -> Iterator[tuple[str, str]]:
    for directory, prefix in ((layer, ""), (f"{layer}/hooks", HOOK)):
        for path in (templates / directory).glob(f"*{SUFFIX}"):
            key = prefix + path.name.removesuffix(SUFFIX)
            if _CONFIG_MAP_KEY.fullmatch(key):
                yield key, f"{directory}/{path.name}"
