"""Create the GitHub App in a browser, with its permissions and events, and write its secrets to files."""

import secrets
import webbrowser
from pathlib import Path

import click
import requests

from functions.clients.errors import CommandError, as_command_error
from functions.clients.github_app.files import SetupError, prepare, write
from functions.clients.github_app.local_page import LocalPage
from functions.clients.github_app.registration import Registration
from functions.clients.output import say
from functions.github import app_manifest

SECONDS = 30.0
"""The longest GitHub may take to answer."""


@click.command(help=__doc__)
@click.option("--name", required=True, help="Name of the App, unique on GitHub; agents mention and sign with it.")
@click.option("--organization", default="", help="Organisation that owns the App; empty: your own account.")
@click.option("--webhook-url", default="", help="URL of the function github_webhook, if it is known already.")
@click.option("--homepage", default="https://github.com", show_default=True, help="Page that people are led to.")
@click.option("--host", default="https://github.com", show_default=True, help="GitHub, or a GitHub Enterprise Server.")
@click.option(
    "--directory",
    default="github-app",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write the secrets, each to a file that only you may read.",
)
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.")
def command(
    name: str, organization: str, webhook_url: str, homepage: str, host: str, directory: Path, browser: bool
) -> None:
    """Serve the page until GitHub sends the code, then write the files."""
    registration = Registration(host.rstrip("/"), organization, secrets.token_urlsafe(24))
    with as_command_error(SetupError):
        prepare(directory)
        with LocalPage(registration) as page:
            page.offer(app_manifest.manifest(name, homepage, webhook_url, page.redirect_url))
            say(f"open {page.url} and confirm at GitHub; Ctrl-C ends")
            if browser:
                webbrowser.open(page.url)
            app = registration.read(_converted(registration.conversion_url(page.code())))
        write(directory, app)
    print(f"the App {app.slug} (id {app.id}) is created; its secrets are in {directory}", flush=True)
    print(f"next: install it on your repositories: {app.page}/installations/new", flush=True)


def _converted(url: str) -> object:
    """Exchange the code for the App's keys; GitHub accepts it once, within an hour."""
    try:
        answer = requests.post(url, headers={"Accept": "application/vnd.github+json"}, timeout=SECONDS)
    except requests.RequestException:  # its text has the URL, and so the code
        raise CommandError("GitHub could not be reached for the App's keys; begin again") from None
    if not answer.ok:
        raise CommandError(f"GitHub did not give the App's keys: {answer.status_code}; begin again")
    try:
        return answer.json()
    except ValueError as error:
        raise CommandError("GitHub's answer with the App's keys is not JSON; begin again") from error
