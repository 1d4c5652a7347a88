"""The harness itself: functions broken on purpose do not get past it.

One after the other and at once: what happens to a run at one stage of its life, done by broken functions, is held
against what sound ones make of it. Beside each mutant stand the stage that shows it and the words it is found by.
The two that only show after a day, or beside another revision, are found by test_frozen_handlers and test_revisions.
"""

import itertools
import random

import pytest

from tests.faults import mutants, stages
from tests.faults.happenings import HAPPENINGS, Happening, cancels
from tests.faults.interleaving import Act, Interleavings
from tests.faults.place import Wrap
from tests.faults.stages import KINDS, Build, reached


def found(kind: str, build: Build, broken: Wrap, happenings: list[Happening], part: float = 1) -> str:
    """What the harness has to say of the broken functions; nothing where it takes them for sound."""
    stage, rng = reached(build, kind), random.Random(1)
    sound, at_once = Interleavings(stage), Interleavings(stage, broken)
    for pair in itertools.combinations_with_replacement(map(Act, happenings), 2):
        expected = sound.one_after_the_other(pair)
        try:
            for order, outcome in at_once.tried(pair, 0, rng):
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
        (mutants.StatusLast, stages.new, "the status does not name it"),
        (mutants.JobNamedByTheClock, stages.new, "the status does not name it"),
        (mutants.OwnerNotChecked, stages.name_taken, "the attempts"),
        (mutants.StatusByForce, stages.succeeded, "went from"),
        (mutants.JobDeletedToStopIt, stages.running, "was deleted while its run exists"),
        (mutants.JobDeletedWithoutPropagation, stages.running, "was deleted, and its pod works on"),
        (mutants.NameNotTaken, stages.new, "the status does not name it"),
        (mutants.PodsNotAwaited, stages.in_grace, "was ended while its pod works"),
        (mutants.NobodyTold, stages.untold, "nobody was told"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_broken_is_found(kind: str, broken: Wrap, build: Build, words: str) -> None:
    assert words in found(kind, build, broken, [cancels, *HAPPENINGS[kind]])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sound_passes(kind: str) -> None:
    assert found(kind, stages.in_grace, mutants.Mutant, HAPPENINGS[kind], part=0.5) == ""
