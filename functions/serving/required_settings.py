"""What a function needs of the settings that others do without: checked when it starts, not at its first request."""

from functions.settings import SettingsError
from functions.settings.webhook import WebhookSettings


def require_settings(settings: WebhookSettings, target: str) -> None:
    """Raises SettingsError, naming every setting that the function `target` lacks."""
    lacking = []
    if target == "github_webhook" and not settings.github.webhook_secrets:
        lacking.append("setting github.webhook_secrets: is required, as deliveries are known by them")
    if target == "github_webhook" and not settings.queues.configured:
        lacking.append("setting queues: queues.project (Pub/Sub) or queues.url is required, for deliveries to go on to")
    if target == "github_event" and not settings.github.configured:
        lacking.append("setting github.app_id: is required with github.private_key, as GitHub is called by it")
    if lacking:
        raise SettingsError("\n".join(lacking))
