"""A GitHub delivery and the run that it requests have one trace, begun by the webhook, and the delivery's id."""

import json
from dataclasses import replace
from functools import partial

from functions.events.http_binding import to_request
from functions.handlers import github_event
from functions.runs.model import trace
from functions.serving.http import Request, answer
from functions.telemetry.instrumented import TracedPublisher
from tests.github.clock import Clock
from tests.github.delivery_bench import DeliveryBench
from tests.support.github import Github, serving
from tests.support.in_process_server import InProcessServer
from tests.telemetry.logged import Logged
from tests.telemetry.traces import ids


def test_a_comment_and_its_run_have_one_trace(logged: Logged) -> None:
    clock = Clock()
    with serving(Github(clock)) as github:
        bench = DeliveryBench(InProcessServer(), "orchestrator", github, clock)
        bench.services = replace(bench.services, publisher=TracedPublisher(bench))
        number = bench.issue("Task 12: log in")
        github.hook.deliver("issue_comment", bench.commented(number, "/code 1 service=api"), "guid-1")
        (event,) = bench.queue
        pushed = Request(to_request(event)[0], json.dumps(event.data).encode())
        assert answer(partial(github_event.handle, bench.services), pushed).code == 204
        made = bench.run()
    begun, kept = ids(trace.parse(event.trace)), ids(trace.from_object(made.raw))
    assert kept[0] == begun[0]
    assert kept[1] != begun[1]
    assert logged.traces() == {begun[0]}
    assert {line["delivery"] for line in logged.lines()} == {"guid-1"}
    assert "accepted" in [line["message"] for line in logged.lines(made.name)]
