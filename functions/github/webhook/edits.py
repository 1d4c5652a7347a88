"""Edits of texts that contain commands. Pure."""

from collections.abc import Mapping

from functions.github.commands import parse
from functions.github.json_fields import dig, dig_text
from functions.github.webhook.event import WebhookEvent


def commands_of(event: WebhookEvent, body: str) -> list[tuple[int, parse.Command]]:
    """Return ordinal and command of each command in a text; of an edited one, those that the edit adds or changes."""
    commands = [*enumerate(parse.parse_comment(body, event.app))]
    if event.action != "edited":
        return commands
    before = dig(event.data, "changes", "body")  # absent if only the title was edited
    if not isinstance(before, Mapping):
        return []
    known = parse.parse_comment(dig_text(before, "from"), event.app)
    return [(ordinal, command) for ordinal, command in commands if command not in known]
