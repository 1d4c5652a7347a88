"""The harness itself: functions broken on purpose do not get past it."""

import itertools
import random
from collections.abc import Callable

import pytest

from tests.faults import mutants, stages
from tests.faults.interleaving import Interleavings
from tests.faults.place import Place, Wrap
from tests.faults.stages import HAPPENINGS, reached

Build = Callable[[Place], None]


def found(build: Build, broken: Wrap, scale: float = 1) -> str:
    """What the harness has to say of the broken functions; nothing where it takes them for sound."""
    sound, at_once = Interleavings(reached(build)), Interleavings(reached(build), broken)
    for pair in itertools.combinations_with_replacement(HAPPENINGS, 2):
        expected = sound.one_after_the_other(pair)
        try:
            for order, outcome in at_once.tried(pair, scale, 0, random.Random(1)):
                if outcome not in expected:
                    return f"{outcome} in the order {order}, not one of {expected}"
        except AssertionError as error:
            return str(error)
    return ""


@pytest.mark.parametrize(
    ("broken", "build", "words"),
    [
        (mutants.StatusLast, stages.new, "the status does not name it"),
        (mutants.JobNamedByTheClock, stages.new, "the status does not name it"),
        (mutants.OwnerNotChecked, stages.name_taken, "the attempts"),
        (mutants.StatusByForce, stages.succeeded, "went from"),
        (mutants.JobDeletedToStopIt, stages.running, "was deleted while its run exists"),
        (mutants.NameNotTaken, stages.job_missing, "the status does not name it"),
        (mutants.PodsNotAwaited, stages.in_grace, "was ended while its pod works"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_broken_is_found(broken: Wrap, build: Build, words: str) -> None:
    assert words in found(build, broken)


def test_what_is_sound_passes() -> None:
    assert found(stages.in_grace, mutants.Mutant, scale=0.1) == ""
