"""The App was installed, removed, or given other repositories or permissions: its tokens may no longer be valid."""

from collections.abc import Sequence

from functions.github.json_fields import dig_text
from functions.github.webhook.decisions import InvalidateTokens
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("installation")
@router.on("installation_repositories")
def changed(event: WebhookEvent) -> Sequence[InvalidateTokens]:
    """Invalidate the tokens of the repositories that were added or removed; all if the event lists none."""
    account = event.text("installation", "account", "login") or "an account"
    message = f"the App's installation on {account}: {event.name} {event.action}".rstrip()
    lists = [event.data.get(name) or [] for name in ("repositories_added", "repositories_removed")]
    names = [dig_text(item, "full_name") for items in lists if isinstance(items, list) for item in items]
    return [InvalidateTokens(message, tuple(name for name in names if name))]
