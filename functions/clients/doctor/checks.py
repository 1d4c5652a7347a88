"""The checks, in the order of an installation, and their run."""

from collections.abc import Iterator

from functions.clients.doctor import app, cluster, installed, outside, registry, secrets
from functions.clients.doctor.finding import Check, Examined, Finding, problem
from functions.templating import completeness

IN_CLUSTER: tuple[Check, ...] = (
    cluster.clock,
    cluster.namespace,
    installed.definitions,
    installed.rights,
    cluster.storage,
    secrets.model_key,
    secrets.identities,
    outside.model,
    installed.pods,
    installed.quota,
)
"""Made only if the API server answers: all would fail alike."""

OUTSIDE: tuple[Check, ...] = (outside.paused, outside.queue, registry.images, app.app)


def examine(examined: Examined) -> Iterator[Finding]:
    """Yield what each check finds, as it is found."""
    yield from (problem("templates", text) for text in completeness.problems(examined.settings.templates))
    reached = list(cluster.answers(examined))
    yield from reached
    if all(finding.state != "problem" or finding.check != "api server" for finding in reached):
        for check in IN_CLUSTER:
            yield from check(examined)
    for check in OUTSIDE:
        yield from check(examined)
