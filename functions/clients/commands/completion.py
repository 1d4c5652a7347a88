"""Print a script that lets a shell complete `orchestrator`."""

import click
from click.shell_completion import get_completion_class

EXAMPLES = """\b
Examples:
  eval "$(orchestrator completion bash)"          in ~/.bashrc; with zsh in ~/.zshrc
  orchestrator completion fish > ~/.config/fish/completions/orchestrator.fish
"""
VARIABLE = "_ORCHESTRATOR_COMPLETE"
"""The script sets it when it asks for completions (Click: Shell Completion)."""


@click.command(help=__doc__, epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), help="The shell that reads the script.")
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script."""
    shell_class = get_completion_class(shell)
    assert shell_class is not None, "Click knows the three shells of the argument"
    print(shell_class(context.find_root().command, {}, "orchestrator", VARIABLE).source())
