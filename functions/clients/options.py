"""Options that commands of several groups have."""

from typing import get_args

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
