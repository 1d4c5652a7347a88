"""The life of a run that produces a value of every metric of runs."""

import json

from tests.support.api import Harness
from tests.support.run_steps import DONE, LOST, job_event, job_name, run_event, submitted, swept

USAGE = {"costUsd": 0.25, "inputTokens": 100, "outputTokens": 20, "turns": 3}


def life(world: Harness) -> None:
    """Run through a life whose first attempt is lost and whose second attempt succeeds."""
    made = submitted(world)
    run_event(world, made.raw, "add")
    job = world.job_ready(job_name(world, made))
    job_event(world, job)
    lost = {**json.loads(LOST), "usage": USAGE}
    job_event(world, world.job_ends(job["metadata"]["name"], json.dumps(lost), ok=False))
    world.later(minutes=5)
    swept(world)
    second = job_name(world, made)
    world.job_ready(second)
    job_event(world, world.job_ends(second, json.dumps({**json.loads(DONE), "usage": USAGE})))
