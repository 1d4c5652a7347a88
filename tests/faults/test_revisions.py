"""The old and the new revision of the functions serve together, as they do while one is rolled out.

They differ in templates (another checksum), in settings (image, retries), and the new one writes a status field that
the old one does not know. Two functions, one of each, in every order with two switches; and whatever the one left
unfinished by dying at any call, the other takes up. The invariants hold, and the unknown field stays.
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
from functions.settings import Settings
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
"""Of the pairs of functions at each stage, by the seed: these are the longest tests of tests/faults."""

STATES = [build for build in STARTING_STATES if build not in (stuck, suspended, beside_sidecar, edited_by_others)]
"""What others do to a running attempt, or a pod that waits, is the same to both revisions."""

OLD = Revision("old", SETTINGS)
NEW = Revision("new", _next_settings(), WritesFuture)
_folder = tempfile.TemporaryDirectory()


@cache
def _definitions() -> Path:
    """The CRDs of the new revision, which are applied before it serves."""
    for spec in SPECS.values():
        definition = crds.crd(spec)
        schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        schema["properties"]["status"]["properties"][FUTURE] = {"type": "string"}
        (Path(_folder.name) / f"{spec.kind.plural}.yaml").write_text(yaml.safe_dump(definition))
    return Path(_folder.name)


def _stage(build: Build, kind: str) -> StartingState:
    stage = starting_state(build, kind)
    return replace(stage, past=StateGraph(stage.past.first.content, _definitions()))


def interleavings(kind: str, build: Build) -> int:
    """Plays one happening by each revision at once; how many orders."""
    stage = _stage(build, kind)
    plays, rng, tried = Interleavings(stage), random.Random(f"{SEED} {stage}"), 0
    others = [*FUNCTIONS, retries] if kind == "CodeRun" else FUNCTIONS
    for one, other in itertools.product(FUNCTIONS, others):
        if rng.random() < SCALE * SHARE:
            found, wrong = differing(plays, (ScheduledOperation(one, OLD), ScheduledOperation(other, NEW)), 0, rng)
            assert not wrong, wrong
            tried += found
    return tried


def taken_up(kind: str, build: Build) -> int:
    """Kills each revision at every call of a happening, and has the other do it again; how often."""
    stage = _stage(build, kind)
    outcomes, rng, tried = OutcomeCache(events=False), random.Random(f"{SEED} {stage}"), 0
    for operation, (one, other) in itertools.product(FUNCTIONS, ((OLD, NEW), (NEW, OLD))):
        expected = {_done(stage, outcomes, operation, *by) for by in ((one,), (other,), (one, other))}
        for after, at in itertools.product((False, True), range(30)):
            if rng.random() < SCALE:
                bench = Bench(stage)
                dying = CrashingTransport(bench.undecoded, at, after)
                with suppress(Killed, *FAILED):
                    perform(operation, bench.with_revision(one.settings, one.wrap), dying)
                if dying.triggered:
                    outcome = _done(stage, outcomes, operation, other, bench=bench)
                    assert outcome in expected, f"{operation.__name__} by {one.name} at {stage}, call {at}: {outcome}"
                    tried += 1
    return tried


def _done(
    stage: StartingState, outcomes: OutcomeCache, operation: Operation, *by: Revision, bench: Bench | None = None
) -> Outcome:
    """What becomes of the run when these revisions do it one after the other."""
    bench = bench or Bench(stage)
    for revision in by:
        perform(operation, bench.with_revision(revision.settings, revision.wrap))
    return outcomes.of(bench)


@pytest.mark.parametrize("build", STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_two_revisions_at_once_end_as_one_after_the_other(
    kind: str, build: Build, pool: CheckPool, tally: Counter[str]
) -> None:
    pool.submit_all(interleavings, itertools.product(KINDS, STATES))
    tally["orders of two revisions"] += pool.result(interleavings, kind, build)


@pytest.mark.parametrize("build", STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_what_one_revision_leaves_the_other_takes_up(
    kind: str, build: Build, pool: CheckPool, tally: Counter[str]
) -> None:
    pool.submit_all(taken_up, itertools.product(KINDS, STATES))
    tally["revisions that died"] += pool.result(taken_up, kind, build)


def test_a_revision_that_drops_what_it_does_not_know_is_found() -> None:
    plays = Interleavings(_stage(succeeded, "CodeRun"))
    broken = Revision("old", SETTINGS, UnknownFieldsDropped)
    with pytest.raises(AssertionError, match="the status lost future"):
        plays.one_after_the_other((ScheduledOperation(reports, NEW), ScheduledOperation(job_finishes, broken)))
