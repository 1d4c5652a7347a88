"""Every API call of everything that happens, at every stage, is answered once with every error.

The function copes, or raises what its edge turns into a 503. Then the same thing happens again (the queue delivers
the event again, the person asks again), or only the sweep comes. The run ends as if the call had gone well.
"""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from tests.faults.conftest import SCALE, SEED
from tests.faults.interrupted import interrupted_at
from tests.faults.place import Place
from tests.faults.stages import HAPPENINGS, STAGES, Happening
from tests.support.failing import FAULTS, Failing


@pytest.mark.parametrize("happening", HAPPENINGS, ids=lambda happening: happening.__name__)
@pytest.mark.parametrize("build", STAGES, ids=lambda build: build.__name__)
def test_an_error_at_any_call_changes_nothing_in_the_end(
    build: Callable[[Place], None], happening: Happening, tally: Counter[str]
) -> None:
    interrupted, rng = interrupted_at(build), random.Random(f"{SEED} {build.__name__} {happening.__name__}")
    for fault in FAULTS:
        tried = interrupted.every_call(happening, partial(Failing, fault=fault), lambda: rng.random() < SCALE)
        tally["error answers"] += len(list(tried))
