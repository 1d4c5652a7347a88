"""The page of all commands, from their Click objects."""

import inspect
import re
from collections.abc import Iterator, Sequence

import click

from functions.clients.commands import command as root
from functions.clients.reference.markdown import GENERATED, code, table

HEAD = f"""# Command line

{GENERATED}
`orchestrator` is the command line. `make install` puts it into `.venv/bin` of a checkout; `pipx install '.[local]'` or
`uv tool install '.[local]'` there put it into a place of its own, where `run` and `dev`, which need a checkout, do not
work. A plain `pip install` outside of a virtual environment is refused by Debian and others
(externally-managed-environment). Every command knows `-h`. Results go to standard output, progress to standard error.
[Submitting](submitting.md) and [the quick start](quick-start.md) show commands at work.
"""


def page() -> str:
    """Return the page."""
    context = click.Context(root, info_name="orchestrator", **root.context_settings)
    return "\n".join([HEAD, *_sections(root, ("orchestrator",), context)])


def _sections(command: click.Command, path: Sequence[str], context: click.Context) -> Iterator[str]:
    yield f"## {' '.join(path)}\n"
    yield from _paragraphs(command.help or "")
    if isinstance(command, click.Group):
        below = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
        found = [(name, each) for name, each in below if each is not None]
        yield table(("command", "does"), [(code(" ".join((*path, name))), _first_line(each)) for name, each in found])
        yield from _examples(command)
        for name, each in found:
            yield from _sections(each, (*path, name), click.Context(each, parent=context, info_name=name))
        return
    yield from _parameters(command, context)
    yield from _examples(command)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        yield f"{paragraph.strip()}\n"


def _first_line(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").partition("\n")[0].rstrip(".")


def _parameters(command: click.Command, context: click.Context) -> Iterator[str]:
    pieces = command.collect_usage_pieces(context)
    yield f"    {context.command_path} {' '.join(pieces)}\n"
    rows = [row for each in command.params if (row := _row(each, context))]
    if rows:
        yield table(("argument or option", "", "default or variable"), rows) + "\n"


def _row(parameter: click.Parameter, context: click.Context) -> tuple[str, str, str] | None:
    if isinstance(parameter, click.Argument):
        return code(parameter.make_metavar(context)), getattr(parameter, "help", None) or "", ""
    if not isinstance(parameter, click.Option) or parameter.hidden:
        return None
    value = "" if parameter.is_flag else f" {parameter.make_metavar(context)}"
    default = str(parameter.default) if parameter.show_default and parameter.default is not None else ""
    variable = parameter.envvar if isinstance(parameter.envvar, str) else ""
    required = " Required." if parameter.required else ""
    return (
        code(", ".join(parameter.opts) + value),
        (parameter.help or "") + required,
        ", ".join(filter(None, (code(default), code(variable)))),
    )


def _examples(command: click.Command) -> Iterator[str]:
    if command.epilog:
        yield "\n" + re.sub("^(?=.)", "    ", command.epilog.replace("\b\n", "").strip("\n"), flags=re.MULTILINE) + "\n"
