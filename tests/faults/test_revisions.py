"""Two revisions of the functions serve at the same time, as during a rollout.

They differ in templates (another checksum) and settings (image, retries), and the new one writes a status field that
the old one does not know. One function of each revision runs in every order of calls with two switches; and when one
revision's process dies at a call, the other revision continues. The invariants hold, and the unknown field is kept.
"""

import itertools
import random
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cluster.transport import Request
from functions.manifests import crds
from functions.runs.model.specs import SPECS
from functions.settings.model import Settings
from tests.faults.bench import FAILED, NAMESPACE, PATIENT, SETTINGS, TEMPLATES, Bench, Outcome, StartingState
from tests.faults.call_cache import perform
from tests.faults.conftest import SCALE, SEED
from tests.faults.interleaved_operations import Interleavings, Revision, ScheduledOperation, differing
from tests.faults.mutants import FUTURE, Mutant, UnknownFieldsDropped
from tests.faults.operations import FUNCTIONS, Operation, job_finishes, reports, retries
from tests.faults.outcome_cache import OutcomeCache
from tests.faults.parallel import CheckPool
from tests.faults.starting_states import (
    KINDS,
    STARTING_STATES,
    Build,
    beside_sidecar,
    edited_by_others,
    starting_state,
    stuck,
    succeeded,
    suspended,
)
from tests.support.builders import settings
from tests.support.crashing import CrashingTransport, Killed
from tests.support.memoized_server import StateGraph


@dataclass
class WritesFuture(Mutant):
    """The new revision: it adds a field to each status it writes."""

    def send(self, request: Request) -> Any:
        if request.method == "PUT" and request.path.endswith("/status"):
            status = {**request.body["status"], FUTURE: "known to the new revision"}
            request = replace(request, body={**request.body, "status": status})
        return self.inner.send(request)


def _next_settings() -> Settings:
    return settings(
        namespace=NAMESPACE,
        templates=TEMPLATES.with_name("templates-next"),
        agent={"image": "registry.example/next"},
        job={"max_retries": 2, **PATIENT},
    )


SHARE = 0.6
"""Part of the pairs that run from each starting state, chosen by the seed: these tests are the longest here."""

STATES = [build for build in STARTING_STATES if build not in (stuck, suspended, beside_sidecar, edited_by_others)]
"""States that others in the cluster cause are left out: both revisions handle them alike."""

OLD = Revision("old", SETTINGS)
NEW = Revision("new", _next_settings(), WritesFuture)
_folder = tempfile.TemporaryDirectory()


@cache
def _definitions() -> Path:
    """Return the folder of the new revision's CRDs, which are applied before it serves."""
    for spec in SPECS.values():
        definition = crds.crd(spec)
        schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        schema["properties"]["status"]["properties"][FUTURE] = {"type": "string"}
        (Path(_folder.name) / f"{spec.kind.plural}.yaml").write_text(yaml.safe_dump(definition))
    return Path(_folder.name)


def _start(build: Build, kind: str) -> StartingState:
    start = starting_state(build, kind)
    return replace(start, past=StateGraph(start.past.first.content, _definitions()))


def interleavings(kind: str, build: Build) -> int:
    """Run pairs of operations, one by each revision, concurrently; return the number of orders."""
    start = _start(build, kind)
    plays, rng, tried = Interleavings(start), random.Random(f"{SEED} {start}"), 0
    others = [*FUNCTIONS, retries] if kind == "CodeRun" else FUNCTIONS
    for one, other in itertools.product(FUNCTIONS, others):
        if rng.random() < SCALE * SHARE:
            found, wrong = differing(plays, (ScheduledOperation(one, OLD), ScheduledOperation(other, NEW)), 0, rng)
            assert not wrong, wrong
            tried += found
    return tried


def continued_by_other_revision(kind: str, build: Build) -> int:
    """Crash each operation of one revision at each call and repeat it by the other; return the number of crashes."""
    start = _start(build, kind)
    outcomes, rng, tried = OutcomeCache(events=False), random.Random(f"{SEED} {start}"), 0
    for operation, (one, other) in itertools.product(FUNCTIONS, ((OLD, NEW), (NEW, OLD))):
        expected = {_done(start, outcomes, operation, *by) for by in ((one,), (other,), (one, other))}
        for after, at in itertools.product((False, True), range(30)):
            if rng.random() < SCALE:
                bench = Bench(start)
                dying = CrashingTransport(bench.undecoded, at, after)
                with suppress(Killed, *FAILED):
                    perform(operation, bench.with_revision(one.settings, one.wrap), dying)
                if dying.triggered:
                    outcome = _done(start, outcomes, operation, other, bench=bench)
                    assert outcome in expected, f"{operation.__name__} by {one.name} at {start}, call {at}: {outcome}"
                    tried += 1
    return tried


def _done(
    start: StartingState, outcomes: OutcomeCache, operation: Operation, *by: Revision, bench: Bench | None = None
) -> Outcome:
    """Return the outcome when these revisions perform the operation one after the other."""
    bench = bench or Bench(start)
    for revision in by:
        perform(operation, bench.with_revision(revision.settings, revision.wrap))
    return outcomes.of(bench)


@pytest.mark.parametrize("build", STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_concurrent_revisions_have_the_outcome_of_a_sequential_order(
    kind: str, build: Build, pool: CheckPool, tally: Counter[str]
) -> None:
    pool.submit_all(interleavings, itertools.product(KINDS, STATES))
    tally["orders of two revisions"] += pool.result(interleavings, kind, build)


@pytest.mark.parametrize("build", STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_other_revision_continues_after_a_crash(kind: str, build: Build, pool: CheckPool, tally: Counter[str]) -> None:
    pool.submit_all(continued_by_other_revision, itertools.product(KINDS, STATES))
    tally["revisions that died"] += pool.result(continued_by_other_revision, kind, build)


def test_checker_reports_a_revision_that_drops_unknown_fields() -> None:
    plays = Interleavings(_start(succeeded, "CodeRun"))
    broken = Revision("old", SETTINGS, UnknownFieldsDropped)
    with pytest.raises(AssertionError, match="the status lost future"):
        plays.one_after_the_other((ScheduledOperation(reports, NEW), ScheduledOperation(job_finishes, broken)))
