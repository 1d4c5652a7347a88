"""A group of commands in which each command is a module, imported when it is called.

A package is a group and a module in it is a command: both name their Click object `command`. The help of a group
shows the first line of each module's docstring, which is also the help of that command; it is read without
importing the module, so that `--help` does not load the Kubernetes client.
"""

import ast
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click


class LazyGroup(click.Group):
    """The modules `names` of a package as commands, in that order."""

    def __init__(self, package: str, names: Sequence[str], text: str | None, epilog: str = "", **settings: Any) -> None:
        """Make a group with this help text; `settings` are Click's."""
        settings = {"no_args_is_help": True, **settings}
        super().__init__(package.rpartition(".")[2], help=text, epilog=epilog, **settings)
        self.commands = {name: click.Command(name) for name in names}  # Click suggests one of these for a wrong name
        self._package = package
        self._names = names

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of the help."""
        return list(self._names)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command; return None for an unknown name."""
        if cmd_name not in self._names:
            return None
        command: click.Command = import_module(f"{self._package}.{cmd_name}").command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the section that lists the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(name)) for name in self._names])

    def _summary(self, name: str) -> str:
        spec = find_spec(f"{self._package}.{name}")
        source = Path((spec and spec.origin) or "").read_text(encoding="utf-8")
        return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0].rstrip(".")
