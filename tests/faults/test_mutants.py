"""The harness itself: functions broken on purpose do not get past it.

One after the other and at once: what happens to a run at one stage of its life, done by broken functions, is held
against what sound ones make of it. Beside each mutant stand the stage that shows it and the words it is found by.
Those that only show after a day, or beside another revision, are found by test_frozen_handlers and test_revisions.
"""

import itertools
import random

import pytest

from tests.faults import mutants, starting_states
from tests.faults.bench import Wrap
from tests.faults.interleaved_operations import Interleavings, ScheduledOperation
from tests.faults.operations import OPERATIONS, Operation, cancels
from tests.faults.starting_states import KINDS, Build, starting_state


def found(kind: str, build: Build, broken: Wrap, operations: list[Operation], part: float = 1) -> str:
    """What the harness has to say of the broken functions; nothing where it takes them for sound."""
    stage, rng = starting_state(build, kind), random.Random(1)
    sound, interleavings = Interleavings(stage), Interleavings(stage, broken)
    for pair in itertools.combinations_with_replacement(map(ScheduledOperation, operations), 2):
        expected = sound.one_after_the_other(pair)
        try:
            for order, outcome in interleavings.tried(pair, 0, rng):
                if outcome not in expected:
                    return f"{outcome} in the order {order}, not one of {expected}"
                if rng.random() >= part:
                    break
        except AssertionError as error:
            return str(error)
    return ""


@pytest.mark.parametrize(
    ("broken", "build", "words"),
    [
        (mutants.StatusLast, starting_states.new, "the status does not name it"),
        (mutants.JobNamedByTheClock, starting_states.new, "the status does not name it"),
        (mutants.OwnerNotChecked, starting_states.name_taken, "the attempts"),
        (mutants.StatusByForce, starting_states.succeeded, "went from"),
        (mutants.JobDeletedToStopIt, starting_states.running, "was deleted while its run exists"),
        (mutants.JobDeletedWithoutPropagation, starting_states.running, "was deleted, and its pod works on"),
        (mutants.NameNotTaken, starting_states.new, "the status does not name it"),
        (mutants.PodsNotAwaited, starting_states.in_grace, "was ended while its pod works"),
        (mutants.EventsNotPublished, starting_states.untold, "no event was published"),
        (mutants.ContainersByPosition, starting_states.beside_sidecar, "not one of"),
        (mutants.InitContainersCount, starting_states.stuck, "'NoReport'"),
        (mutants.EvictedJobMayResume, starting_states.suspended, "may start pods"),
        (mutants.EventsNotRead, starting_states.without_needs, "does not come to rest"),
        (mutants.LabelsOfOthersOverwritten, starting_states.edited_by_others, "labels of others changed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_broken_is_found(kind: str, broken: Wrap, build: Build, words: str) -> None:
    assert words in found(kind, build, broken, [cancels, *OPERATIONS[kind]])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sound_passes(kind: str) -> None:
    assert found(kind, starting_states.in_grace, mutants.Mutant, OPERATIONS[kind], part=0.5) == ""
