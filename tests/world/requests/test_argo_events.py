"""Argo Events in front of a function (S13): a sensor posts the data of its event source unchanged."""

from typing import Any

import pytest

from functions.cluster.kinds import DOCS_RUN
from functions.serving.http import Answer
from tests.support.api import Harness
from tests.support.builders import DOCS_SPEC
from tests.support.run_steps import JSON, post


def sensor_posts(world: Harness, spec: Any, **headers: str) -> Answer:
    """Return the answer to a request that Argo Events' webhook event source received and its sensor passed on."""
    header = {"Content-Type": ["application/json"], "User-Agent": ["curl/8.5.0"]}
    header |= {name.replace("_", "-"): [value] for name, value in headers.items()}
    return post(world, {"header": header, "body": spec}, JSON)


def test_spec_in_a_webhook_payload_becomes_a_run(world: Harness) -> None:
    assert sensor_posts(world, DOCS_SPEC).code == 201
    (run,) = world.kubelet.list(DOCS_RUN, world.namespace)
    assert run["spec"]["repositoryUrl"] == DOCS_SPEC["repositoryUrl"]


def test_repeated_webhook_payload_with_a_key_is_one_run(world: Harness) -> None:
    answers = [sensor_posts(world, DOCS_SPEC, Idempotency_Key="k1") for _ in range(2)]
    assert [answer.code for answer in answers] == [201, 200]
    assert len(list(world.kubelet.list(DOCS_RUN, world.namespace))) == 1


@pytest.mark.parametrize("spec", [{}, [], {"repositoryUrl": 1}], ids=str)
def test_invalid_spec_in_a_webhook_payload_is_acknowledged(world: Harness, spec: Any) -> None:
    assert sensor_posts(world, spec).code == 204
    assert not list(world.kubelet.list(DOCS_RUN, world.namespace))
