"""The GitHub App: its key, its permissions and events, where it is installed, and whether its deliveries arrive."""

from collections.abc import Iterator, Mapping
from typing import Any

from functions.clients.doctor.finding import Examined, Finding, ok, problem, unknown
from functions.github import app_manifest
from functions.github.api.client import Github
from functions.github.api.errors import Busy, GithubError, NotFound, Unauthorized


def app(examined: Examined) -> Iterator[Finding]:
    """Check the App that the settings name; without one there is nothing to check."""
    if examined.github is None:
        yield ok("GitHub App", "none is configured")
        return
    try:
        about = examined.github.app().get("app")
    except (Unauthorized, NotFound) as error:
        how = "github.app_id and the key must be of one App; make a new key at GitHub"
        yield problem("GitHub App", f"GitHub does not accept the key: {error}; {how}")
    except GithubError as error:
        yield unknown("GitHub App", str(error))
    else:
        yield from _shape(about)
        yield from _uses(examined.github)


def _shape(about: Mapping[str, Any]) -> Iterator[Finding]:
    slug = about.get("slug", "")
    permissions = app_manifest.missing_permissions(about.get("permissions") or {})
    events = app_manifest.missing_events(about.get("events") or [])
    where = f"at GitHub, settings of the App {slug}, Permissions & events"
    if permissions:
        yield problem("GitHub App", f"lacks the permissions {', '.join(permissions)}: grant them {where}")
    if events:
        yield problem("GitHub App", f"is not subscribed to {', '.join(events)}: subscribe {where}")
    if not permissions and not events:
        yield ok("GitHub App", f"{slug} has its permissions and events")


def _uses(github: Github) -> Iterator[Finding]:
    try:
        installations = list(github.app().get("app/installations", per_page="100"))
        deliveries = list(github.app().get("app/hook/deliveries", per_page="30"))
    except Busy as error:
        yield unknown("GitHub App", str(error))
        return
    except GithubError as error:
        yield unknown("webhook", str(error))
        return
    active = [installation for installation in installations if not installation.get("suspended_at")]
    if not active:
        yield problem(
            "GitHub App", "is installed nowhere: install it on the repositories (settings of the App, Install)"
        )
    yield from _delivered(deliveries)


def _delivered(deliveries: list[Mapping[str, Any]]) -> Iterator[Finding]:
    latest = deliveries[0] if deliveries else None
    if latest and not 200 <= int(latest.get("status_code") or 0) < 300:
        status = latest.get("status") or latest.get("status_code")
        how = "check the webhook's URL and secret in the App's settings, and the log of github_webhook"
        yield problem("webhook", f"the last delivery ({latest.get('event')}) failed: {status}; {how}")
    elif latest:
        yield ok("webhook", "the last delivery arrived")
