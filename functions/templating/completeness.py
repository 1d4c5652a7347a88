"""Finds missing files of a templates directory before an attempt is started with it.

Without its container script or its settings an attempt could not even report why it failed. On a file system that
respects case, `claude.md.j2` is not `CLAUDE.md.j2`: the near miss is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from functions.runs.model.kinds import BY_WORD
from functions.templating.search_path import SUFFIX, find

REQUIRED = (
    "agent_cli.py",
    "agent_process.py",
    "attempt_report.py",
    "broker.json",
    "container.sh",
    "prompt.md",
    "settings.json",
)
"""Task files that the container script of every agent CLI needs."""

OWN: Mapping[str, Sequence[str]] = {"claude": ("CLAUDE.md",), "codex": ("AGENTS.md",)}
"""Further ones by agent CLI; that of another agent CLI names what it misses itself."""
OF_TOOLS: Mapping[str, Sequence[str]] = {"claude": ("mcp.json",)}
"""Further ones for kinds of run with MCP tools."""


def problems(templates: Path) -> list[str]:
    """Return what is missing, a line for each; names are relative to the directory. Reads no file."""
    if not templates.is_dir():
        return [f"setting templates: {templates} is not a directory; set it in ORCHESTRATOR_TEMPLATES"]
    pairs = [(path.parent.name, path.name) for path in sorted(templates.glob("*/*")) if path.name in BY_WORD]
    if not pairs:
        return [f"setting templates: {templates} has no templates, such as claude/code/prompt.md{SUFFIX}"]
    problems = [problem for agent_cli, kind in pairs for problem in _problems(templates, agent_cli, kind)]
    return [f"setting templates: {templates}: {problem}" for problem in problems]


def _problems(templates: Path, agent_cli: str, kind: str) -> Iterator[str]:
    of_tools = OF_TOOLS.get(agent_cli, ()) if BY_WORD[kind].has_tools else ()
    required = (*REQUIRED, *OWN.get(agent_cli, ()), *of_tools)
    names = find(templates, agent_cli, kind, None)
    near = {name: _near_miss(templates, agent_cli, kind, name) for name in required}
    for name in required:
        if name not in names:
            yield f"{agent_cli}/{kind}/{name}{SUFFIX} is missing{near[name]}"
    agents = templates / agent_cli / "agents"
    for path in sorted(agents.glob(f"*/{kind}/*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        right = next((each for each in names if each.casefold() == name.casefold()), name)
        if right != name:
            yield f"{path.relative_to(templates)} overrides nothing; the file is called {right}{SUFFIX}"


def _near_miss(templates: Path, agent_cli: str, kind: str, name: str) -> str:
    """Return words about a file whose name differs in case, or lacks the suffix; empty without one."""
    for layer in (f"{agent_cli}/{kind}", f"{agent_cli}/shared", "shared"):
        for path in sorted((templates / layer).glob("*")):
            if path.name.casefold() in (name.casefold(), f"{name}{SUFFIX}".casefold()) and path.is_file():
                return f"; there is {layer}/{path.name}: the name must be {name}{SUFFIX}, in this case"
    return ""
