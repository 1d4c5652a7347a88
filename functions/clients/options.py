"""Options that commands of several groups have."""

from collections.abc import Callable
from typing import Any, get_args

import click

from functions.clients.output import Output

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(get_args(Output)),
    default="table",
    show_default=True,
    help="How to write the result.",
)

health_host_option = click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address of the health server; in a pod 0.0.0.0."
)


def port_option(default: int, text: str, highest: int = 65535) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option --port with the help `text`; numbers that are no port are refused as wrong usage."""
    numbers = click.IntRange(0, highest)
    return click.option("--port", type=numbers, default=default, show_default=str(default), help=text)
