"""Check an installation: cluster, rights, secrets, image, queue, GitHub App and model key.

It reads the settings that the functions have: the file that ORCHESTRATOR_CONFIG names, and variables.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import click
import requests

from functions.clients.doctor.checks import examine
from functions.clients.doctor.finding import Examined, Finding, problem, unknown
from functions.clients.errors import CommandError
from functions.clients.options import output_option
from functions.clients.output import Output, cell, write
from functions.clients.settings import load_settings
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.github.api import client
from functions.settings.model import Settings
from functions.settings.sources import FILE

SECONDS = 10.0
"""The longest a registry or the model's API may take to answer."""


@click.command(help=__doc__)
@output_option
def command(output: Output) -> None:
    """Run every check; exit with 1 if there is a problem."""
    findings = []
    for finding in _findings():
        findings.append(finding)
        if output == "table":  # as it is found: a server that does not answer takes some seconds
            print(f"{finding.state:<8} {finding.check:<12} {cell(finding.text, None)}", flush=True)
    if output != "table":
        write(output, [asdict(finding) for finding in findings], str)
    problems = sum(finding.state == "problem" for finding in findings)
    if problems:
        raise CommandError(f"{problems} problem{'s' if problems > 1 else ''} found; see above")


def _findings() -> Iterator[Finding]:
    """Yield what the checks find; with invalid settings each of their problems alone."""
    try:
        settings = load_settings()
    except CommandError as error:
        yield from (problem("settings", line) for line in str(error).splitlines())
        source = "" if os.environ.get(FILE) else f"; {FILE} names the installation's settings file, and is not set"
        yield unknown("other checks", f"correct the settings first{source}")
    else:
        yield from examine(connected(settings))


def connected(settings: Settings) -> Examined:
    """Return the installation that the settings describe. Makes no call."""

    def now() -> datetime:
        return datetime.now(UTC)

    github = client.connect(settings.github, now) if settings.github.configured else None
    return Examined(settings, KubernetesTransport(settings.cluster), fetch, github, now)


def fetch(method: str, url: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    """Send a request; requests' errors are OSErrors."""
    answer = requests.request(method, url, headers=headers, timeout=SECONDS, allow_redirects=False)
    return answer.status_code, {name.lower(): text for name, text in answer.headers.items()}, answer.content
