"""The task files of an attempt, against a plain Jinja2 render of the same templates, compiled beforehand.

Measured in processor time, because nothing here waits.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

from functions.reconciler import rendering
from functions.runs.model.run import Run
from functions.templating import engine, template_set
from functions.templating.variables import variables
from tests.benchmarks.rows import Aim, Row, medians
from tests.support.builders import run, settings, with_attempt

ROUNDS = 300
CONFIGURED = settings()


def rows() -> Iterator[Row]:
    """Yield one row for each kind of run."""
    for kind in ("DocsRun", "CodeRun"):
        fresh = run(kind)
        started = with_attempt(fresh)
        ours, plain = _timed(partial(rendering.task_files, CONFIGURED, started)), _timed(_plain(started))
        figure, baseline = medians(ROUNDS, ours, plain)
        yield Row(f"task files, {kind}", figure * 1e3, "ms", baseline * 1e3, "plain Jinja2", Aim(1.5))


def _plain(started: Run) -> Callable[[], object]:
    task = rendering.attempt_context(CONFIGURED, started)
    found = template_set.find(CONFIGURED.templates, task.spec.agent_cli, task.kind, task.spec.agent)
    known = variables(task, CONFIGURED, found.hooks)
    compiled = [engine.environment(CONFIGURED.templates).get_template(name) for name in found.names.values()]
    return lambda: [each.render(known) for each in compiled]


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def seconds() -> float:
        begun = time.thread_time()
        work()
        return time.thread_time() - begun

    work()
    return seconds
