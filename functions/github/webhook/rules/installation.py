"""The App was installed, removed, or given other repositories or rights: tokens made before may not hold any more."""

from collections.abc import Sequence

from functions.github.webhook.decisions import InvalidateTokens
from functions.github.webhook.event import WebhookEvent, dig_text
from functions.github.webhook.rules.routing import Router

router = Router()


@router.on("installation")
@router.on("installation_repositories")
def changed(happening: WebhookEvent) -> Sequence[InvalidateTokens]:
    """All tokens are made anew where all repositories are concerned, else those of the ones that came or went."""
    account = happening.text("installation", "account", "login") or "an account"
    message = f"the App's installation on {account}: {happening.event} {happening.action}".rstrip()
    lists = [happening.data.get(name) or [] for name in ("repositories_added", "repositories_removed")]
    names = [dig_text(each, "full_name") for found in lists if isinstance(found, list) for each in found]
    return [InvalidateTokens(message, tuple(name for name in names if name))]
