"""`orchestrator completion`: what a shell needs to complete commands, options, values and names of runs."""

import click

EXAMPLES = """\b
Examples:
  eval "$(orchestrator completion bash)"          in ~/.bashrc; with zsh in ~/.zshrc
  orchestrator completion fish > ~/.config/fish/completions/orchestrator.fish
"""
VARIABLE = "_ORCHESTRATOR_COMPLETE"
"""Set by the script where it asks the command for words (Click: Shell Completion)."""


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), help="The shell that is to read it.")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that has a shell complete `orchestrator`."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    print(found(context.find_root().command, {}, "orchestrator", VARIABLE).source())
