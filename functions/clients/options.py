"""Options that commands of several groups have."""

from typing import Annotated

import typer

from functions.clients.output import Output

OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to write the result.")]
