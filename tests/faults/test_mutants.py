"""The checker reports each mutant: handlers with one deliberate defect.

Pairs of operations on one starting state, sequential and concurrent, are performed by the mutant; their outcomes are
compared with those of handlers without the defect. A row names the mutant, a starting state that shows its defect and
words of the expected message. Defects that show only after a day, or beside another revision, are in
test_frozen_handlers and test_revisions.
"""

import itertools
import random

import pytest

from tests.faults import mutants, starting_states
from tests.faults.bench import Wrap
from tests.faults.interleaved_operations import Interleavings, ScheduledOperation
from tests.faults.operations import OPERATIONS, Operation, cancels
from tests.faults.starting_states import KINDS, Build, starting_state


def checker_message(kind: str, build: Build, broken: Wrap, operations: list[Operation], part: float = 1) -> str:
    """Return the checker's message on the broken functions; empty if it finds no defect."""
    start, rng = starting_state(build, kind), random.Random(1)
    sound, interleavings = Interleavings(start), Interleavings(start, broken)
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
        (mutants.JobDeletedWithoutPropagation, starting_states.running, "was deleted, and its pod still runs"),
        (mutants.NameNotTaken, starting_states.new, "the status does not name it"),
        (mutants.PodsNotAwaited, starting_states.in_grace, "was ended while its pod runs"),
        (mutants.EventsNotPublished, starting_states.unreported, "no event was published"),
        (mutants.ContainersByPosition, starting_states.beside_sidecar, "not one of"),
        (mutants.InitContainersCount, starting_states.stuck, "'NoReport'"),
        (mutants.EvictedJobMayResume, starting_states.suspended, "may start pods"),
        (mutants.QuotaTakenForRefusal, starting_states.without_room, "'PodRefused'"),
        (mutants.EventsNotRead, starting_states.without_needs, "not at rest"),
        (mutants.LabelsOfOthersOverwritten, starting_states.edited_by_others, "labels of others changed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("kind", KINDS)
def test_checker_reports_mutant(kind: str, broken: Wrap, build: Build, words: str) -> None:
    assert words in checker_message(kind, build, broken, [cancels, *OPERATIONS[kind]])


@pytest.mark.parametrize("kind", KINDS)
def test_checker_accepts_handlers_without_defect(kind: str) -> None:
    assert checker_message(kind, starting_states.in_grace, mutants.Mutant, OPERATIONS[kind], part=0.5) == ""
