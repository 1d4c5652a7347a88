"""The dashboard shows every declared metric, no other, and only by labels that the metric has."""

import json
import re
from typing import Any

import pytest

from functions.queues.topology import FUNCTIONS, TOPICS, dead_letter_topic, subscription_name
from functions.runs.model.reasons import Reason
from functions.runs.model.status import derive_phase
from functions.telemetry.metrics import METRICS, Metric
from tests.support.api import ROOT

FILE = ROOT / "infra" / "terraform" / "dashboard.json"
TILES = json.loads(FILE.read_text())["mosaicLayout"]["tiles"]
WIDGETS = {tile["widget"]["title"]: tile["widget"] for tile in TILES}
HISTOGRAM = ("_bucket", "_sum", "_count")


def sources(widget: Any) -> list[Any]:
    return [each["timeSeriesQuery"] for each in widget.get("xyChart", {}).get("dataSets", ())]


QUERIES = [source["prometheusQuery"] for each in WIDGETS.values() for source in sources(each) if len(source) and
           "prometheusQuery" in source]  # fmt: skip
FILTERS = [source["timeSeriesFilter"]["filter"] for each in WIDGETS.values() for source in sources(each) if
           "timeSeriesFilter" in source]  # fmt: skip


def drawn(query: str) -> Metric:
    """Return the metric of a query."""
    (name,) = set(re.findall(r"orchestrator_\w+", query))
    for metric in METRICS:
        suffixes = HISTOGRAM if metric.kind == "histogram" else ("",)
        if name in [metric.prometheus + suffix for suffix in suffixes]:
            return metric
    pytest.fail(f"{name} is no metric of functions/telemetry/metrics.py")


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_uses_an_existing_metric_and_its_labels(query: str) -> None:
    metric = drawn(query)
    by = {name.strip() for names in re.findall(r"by \(([^)]*)\)", query) for name in names.split(",")} - {"le"}
    chosen = set(re.findall(r"(\w+)=", query))
    assert by
    assert by | chosen <= set(metric.labels)
    phases = {derive_phase(truth, reason) for truth in ("True", "False", "Unknown") for reason in Reason}
    values = [value for found in re.findall(r'phase=~?"([^"]*)"', query) for value in found.split("|")]
    assert set(values) <= phases
    functions = re.findall(r'function="([^"]*)"', query)
    assert set(functions) <= {*FUNCTIONS, "github_webhook"}


def test_every_metric_is_on_the_dashboard() -> None:
    assert {drawn(query).name for query in QUERIES} == {metric.name for metric in METRICS}


def test_queue_tiles_cover_all_subscriptions_and_dead_letters() -> None:
    patterns = [re.search(r'full_match\("([^"]*)"\)', each) for each in FILTERS]
    found = [each[1] for each in patterns if each]
    assert len(found) == len(FILTERS) == 3
    wanted = {subscription_name(each) for each in FUNCTIONS} | {dead_letter_topic(topic) for topic in TOPICS}
    assert {name for name in wanted if any(re.fullmatch(each, f"prefix-{name}") for each in found)} == wanted
    assert not [name for name in wanted if re.fullmatch(found[1], f"prefix-{name}") and name.endswith("-dead")]


def test_tiles_do_not_overlap() -> None:
    cells = [
        (tile["xPos"] + x, tile["yPos"] + y) for tile in TILES for x in range(tile["width"]) for y in range(
            tile["height"])
    ]  # fmt: skip
    assert len(cells) == len(set(cells))
    assert len(WIDGETS) == len(TILES)
