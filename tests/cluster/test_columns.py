"""kubectl's view of a run that waits, runs, fails, is retried and succeeds, on both API servers."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Sequence

from functions.cluster.kinds import CODE_RUN, RUNS
from functions.handlers import job_finished, reconcile
from functions.runs.model.run import Run
from tests.cluster.conftest import APART
from tests.cluster.driving import deliver, swept
from tests.cluster.kubectl import PATIENCE, KubectlBench, bench
from tests.support import waiting
from tests.support.api import Harness
from tests.support.run_steps import LOST, event, job_name, now, submitted

__all__ = ["bench"]
PULL = "https://git.example/shop/pull/7"
DONE = json.dumps(
    {"outcome": "succeeded", "reason": "Completed", "message": "done", "commit": "b" * 40, "pullRequestUrl": PULL}
)


class Output:
    """The lines that a command prints, while it runs."""

    def __init__(self, command: Sequence[str]) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.lines.append(line.rstrip())

    def until(self, words: str) -> None:
        """Wait until the last line has these words. Raise AssertionError on timeout."""
        waiting.until(lambda: words in "".join(self.lines[-1:]), PATIENCE, lambda: f"no {words!r} in {self.lines}")

    @property
    def ended(self) -> bool:
        """Whether the command has ended."""
        return self._process.poll() is not None

    def code(self) -> int:
        """Wait for the end of the command and return its exit code."""
        return self._process.wait(timeout=PATIENCE)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)
        self._reader.join(timeout=PATIENCE)


class Life:
    """The life of a run that waits for the workspace of another; `shows` waits until kubectl shows a phase."""

    def __init__(self, world: Harness, shows: Callable[[str], None]) -> None:
        self._world, self._shows = world, shows
        self.other = submitted(world, name="first", service="pay")
        self._starts(self.other)
        world.job_ready(job_name(world, self.other))
        self.run = submitted(world, name="second", service="pay")

    def goes_on(self, still_waits: Callable[[], bool]) -> None:
        """Move the run through all phases until it succeeded; `still_waits` must hold after a failed attempt."""
        self._starts(self.run)
        self._shows("Queued")
        self._ends(self.other, DONE, ok=True)
        self._shows("Pending")
        self._works()
        self._shows("Running")
        self._ends(self.run, LOST, ok=False)
        self._shows("Retrying")
        assert still_waits()
        self._world.later(minutes=1)
        self._starts(self.run)
        self._shows("Pending")
        self._works()
        self._shows("Running")
        self._ends(self.run, DONE, ok=True)
        self._shows("Succeeded")

    def _starts(self, run: Run) -> None:
        deliver(self._world, reconcile, event(now(self._world, run).raw))

    def _works(self) -> None:
        self._world.job_ready(job_name(self._world, self.run))
        swept(self._world)  # old servers do not report ready pods in a Job

    def _ends(self, run: Run, report: str, *, ok: bool) -> None:
        ended = self._world.job_ends(job_name(self._world, run), report, ok=ok)
        deliver(self._world, job_finished, event(ended))


def rows(lines: Sequence[str]) -> list[str]:
    """Return the lines without age and extra spaces, and without repeated lines."""
    found: list[str] = []
    for line in lines:
        row = re.sub(r" \d+[smh](\d+s)?(?= |$)", " AGE", " ".join(line.split()), count=1)
        found += [row] if row not in found[-1:] else []
    return found


def test_kubectl_get_and_wait_follow_the_life_of_a_run(
    bench: KubectlBench, record_property: Callable[[str, object], None]
) -> None:
    shown: list[Output] = []
    life = Life(bench.world, lambda words: shown[0].until(words))
    shown.append(watching := Output([*bench.kubectl, "get", "cr", "second", "-w"]))
    waiting = Output([*bench.kubectl, "wait", "--for=condition=Succeeded", "coderun/second", f"--timeout={PATIENCE}s"])
    try:
        watching.until("second")
        life.goes_on(still_waits=lambda: not waiting.ended)
        assert waiting.code() == 0
        assert waiting.lines == ["coderun.agents.platform/second condition met"]
    finally:
        for each in (watching, waiting):
            each.stop()
        for run in (life.run, life.other):
            bench.world.kubelet.delete(CODE_RUN, APART, run.name, run.uid)
            deliver(bench.world, reconcile, event(now(bench.world, run).raw))
    record_property("summary", "\n".join(["kubectl get cr second -w", *watching.lines]))
    workspace, again = life.run.spec and life.run.spec.workspace, "next attempt after 2026-01-02T03:04:15Z"
    assert rows(watching.lines) == [
        "NAME TASK SERVICE AGENT PHASE REASON ATTEMPT PR AGE MESSAGE",
        "second AGE",
        f"second 3 pay rex Queued Queued AGE waits: CodeRun first works in workspace {workspace}",
        "second 3 pay rex Pending Starting 1 AGE starting attempt 1",
        "second 3 pay rex Running Running 1 AGE attempt 1 is running",
        f"second 3 pay rex Retrying Retrying 1 AGE attempt 1: NetworkError: the network went away; {again}",
        "second 3 pay rex Pending Starting 2 AGE starting attempt 2",
        "second 3 pay rex Running Running 2 AGE attempt 2 is running",
        f"second 3 pay rex Succeeded Completed 2 {PULL} AGE done",
    ]


def test_kubectl_lists_have_the_columns_of_the_crd(bench: KubectlBench) -> None:
    code = submitted(bench.world, name="code", service="list")
    docs = submitted(bench.world, "DocsRun", name="docs")
    try:
        for run in (code, docs):
            deliver(bench.world, reconcile, event(run.raw, "add"))
        job = now(bench.world, code).status.job_name
        assert rows(bench.get("coderun", "code")) == [
            "NAME TASK SERVICE AGENT PHASE REASON ATTEMPT PR AGE MESSAGE",
            "code 3 list rex Pending Starting 1 AGE starting attempt 1",
        ]
        assert rows(bench.get("cr", "code", "-o", "wide")) == [
            "NAME TASK SERVICE AGENT PHASE REASON ATTEMPT PR AGE MODEL JOB COST MESSAGE",
            f"code 3 list rex Pending Starting 1 AGE claude-3-5-sonnet-20241022 {job} starting attempt 1",
        ]
        assert rows(bench.get("dr", "docs")) == [
            "NAME REPOSITORY PHASE REASON PR AGE MESSAGE",
            "docs https://git.example/shop.git Pending Starting AGE starting attempt 1",
        ]
        named = bench.get("agents", "-o", "name")
        assert {"coderun.agents.platform/code", "docsrun.agents.platform/docs"} <= set(named)
    finally:
        for run in (code, docs):
            bench.world.kubelet.delete(RUNS[run.kind], APART, run.name, run.uid)
            deliver(bench.world, reconcile, event(now(bench.world, run).raw))
