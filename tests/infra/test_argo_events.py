"""The component argo-events: the payload of its sensor is readable for each function and kind.

Argo Events does not run here; `posted` builds the payload that the sensor's template describes.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from functions.bridge.bridge import TOPIC_BY_KIND
from functions.events.event import RESOURCE
from functions.events.receive import receive
from functions.queues.topology import TOPIC_OF_FUNCTION
from tests.infra.manifests import Object, of_kind
from tests.infra.test_newer_kinds import with_component
from tests.support.builders import raw_run

EVENT = {
    "type": "UPDATE",
    "group": "agents.platform",
    "version": "v1",
    "resource": {"Group": "agents.platform", "Version": "v1", "Resource": "coderuns"},
    "body": raw_run("CodeRun"),
}


def posted(template: Object) -> bytes:
    """Return the body of an HTTP trigger: each value as text, or raw if the template says so."""
    values: dict[str, Any] = {}
    for part in template["http"]["payload"]:
        value = EVENT[part["src"]["dataKey"]]
        values[part["dest"]] = value if part["src"].get("useRawData") else str(value)
    return json.dumps(values).encode()


def test_every_function_receives_watch_events_of_its_topics_kinds(kubectl: str, tmp_path: Path) -> None:
    items = with_component(kubectl, tmp_path, "argo-events")
    sources = of_kind(items, "EventSource")["orchestrator"]["spec"]["resource"]
    assert {each["resource"] for each in sources.values()} == {kind.plural for kind in TOPIC_BY_KIND}
    endpoints = settings_of(items)["queues"]["endpoints"]
    fed: dict[str, set[str]] = {}
    for trigger in of_kind(items, "Sensor")["orchestrator"]["spec"]["triggers"]:
        template = trigger["template"]
        assert {part["src"]["dependencyName"] for part in template["http"]["payload"]} == {template["conditions"]}
        (function,) = [
            name for name, url in endpoints.items() if template["http"]["url"].startswith(f"{url}.orchestrator.")
        ]
        fed.setdefault(function, set()).add(sources[template["conditions"]]["resource"])
        received = receive({"content-type": "application/json"}, posted(template))
        assert received.from_queue
        assert received.event().type == f"{RESOURCE}update"
        assert received.event().data == EVENT["body"]
    plurals = {
        topic: {kind.plural for kind, each in TOPIC_BY_KIND.items() if each == topic} for topic in ("runs", "jobs")
    }
    assert fed == {name: plurals[topic] for name, topic in TOPIC_OF_FUNCTION.items() if topic in plurals}
    assert "orchestrator-bridge" not in of_kind(items, "Deployment")


def settings_of(items: list[Object]) -> Any:
    (text,) = [
        each["data"]["settings.yaml"]
        for name, each in of_kind(items, "ConfigMap").items()
        if name.startswith("orchestrator-settings")
    ]
    return yaml.safe_load(text)
