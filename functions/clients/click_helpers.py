"""A group of commands whose help tells of them in the order they are written in, not in that of the alphabet."""

import click


class Group(click.Group):
    """A group; `commands` has them in order."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Names of its commands."""
        return list(self.commands)
