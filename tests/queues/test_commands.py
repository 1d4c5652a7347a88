"""The command `orchestrator queues` against Google's emulator, NATS and the embedded queue.

command                      result
apply                        creates what is missing, updates what differs; with --dry-run only reports
apply with a wrong setting   an error that names the setting
publish to a missing topic   an error that names the topic and the remedy
dead list|replay|drop        run and last reason, "gone", or the message id; never the data
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from nats.aio.client import Client

from functions.clients.commands.queues import command as queues_command
from functions.clients.errors import CommandError
from functions.cluster.kinds import CODE_RUN as KIND
from functions.events.event import RESOURCE, Event, requested
from functions.local.database import connect as database
from functions.local.dev.cluster import write_kubeconfig
from functions.local.queue import Queue
from functions.manifests import run as manifest
from functions.queues.backends import connect
from functions.queues.backends.embedded.publisher import EmbeddedPublisher
from functions.queues.backends.pubsub.project import Project
from functions.queues.backends.pubsub.publisher import PubsubPublisher
from functions.queues.backends.pubsub.setup import TopologyApplier
from functions.queues.publisher import Publisher, PublishError
from functions.queues.queue_model import DeadLetterPolicy, RetryPolicy, Subscription, Topology
from functions.queues.topology import TOPIC_OF_FUNCTION, TOPICS
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.settings.queues import QueueSettings
from tests.contract.queue.conftest import Consumer, serve
from tests.queues.nats_bench import Bench
from tests.support.api import Harness, api_server, transport
from tests.support.builders import CODE_SPEC
from tests.support.dispatching import dispatching
from tests.support.waiting import until

_numbers = itertools.count(1)
Command = Callable[..., Result]
SINCE = {"lastTransitionTime": "2026-01-02T03:04:05Z"}
ENDPOINTS = {each: f"https://{each.replace('_', '-')}.example/" for each in TOPIC_OF_FUNCTION}


def command(environ: Mapping[str, str]) -> Command:
    def run(*arguments: str, ok: bool = True, typed: str = "") -> Result:
        given = {"ORCHESTRATOR_AGENT__IMAGE": "x", "ORCHESTRATOR_BROKER__IMAGE": "x", **environ}
        done = CliRunner().invoke(queues_command, list(arguments), env=given, input=typed)
        assert (done.exit_code == 0) is ok, (done.output, done.exception)
        return done

    return run


@pytest.fixture
def project(pubsub: str) -> Project:
    return Project(f"commands-{next(_numbers)}", "pre-", pubsub)


@pytest.fixture
def orchestrator(project: Project) -> Command:
    return command(environment(project))


def environment(project: Project, **queues: Any) -> dict[str, str]:
    found = {"project": project.id, "prefix": project.prefix, "endpoints": json.dumps(ENDPOINTS)} | queues
    named = {f"ORCHESTRATOR_QUEUES__{key.upper()}": str(text) for key, text in found.items()}
    return named | {"PUBSUB_EMULATOR_HOST": project.emulator}


def test_apply_creates_keeps_and_updates_on_pubsub(orchestrator: Command, project: Project) -> None:
    would = orchestrator("apply", "--dry-run").output
    assert would.count("would be created") == 3 * len(TOPICS) + len(TOPIC_OF_FUNCTION)
    path = f"projects/{project.id}"
    assert list(project.publisher.list_topics(project=path)) == []
    assert "would be" not in orchestrator("apply").output
    again = orchestrator("apply").output
    assert set(again.splitlines()) == {line for line in again.splitlines() if line.endswith("as it should be")}
    names = {each.name.rpartition("/")[2] for each in project.publisher.list_topics(project=path)}
    assert names == {f"pre-{topic}{end}" for topic in TOPICS for end in ("", "-dead")}
    moved = environment(
        project, endpoints=json.dumps({"reconcile": "https://moved.example/"}), push_identity="pusher@example"
    )
    changed = command(moved)("apply").output
    assert "subscription pre-runs-reconcile: updated: push_config" in changed
    assert "no subscription for submit_docs" in changed
    found = project.subscriber.get_subscription(subscription=project.subscription("runs-reconcile"))
    assert found.push_config.push_endpoint == "https://moved.example/"
    assert found.push_config.oidc_token.service_account_email == "pusher@example"
    assert found.push_config.oidc_token.audience == "https://moved.example/"
    assert found.push_config.no_wrapper.write_metadata
    assert (found.ack_deadline_seconds, found.dead_letter_policy.max_delivery_attempts) == (60, 20)
    assert found.dead_letter_policy.dead_letter_topic == project.topic("runs-dead")


def on_nats(bench: Bench, **queues: str) -> dict[str, str]:
    found = {"nats__servers": json.dumps(bench.settings.servers), "prefix": bench.prefix} | queues
    return {f"ORCHESTRATOR_QUEUES__{key.upper()}": text for key, text in found.items()}


def test_apply_creates_keeps_and_updates_on_nats(nats_server: str) -> None:
    bench = Bench.on(nats_server)
    endpoints = json.dumps(ENDPOINTS)
    orchestrator = command(on_nats(bench, endpoints=endpoints))
    would = orchestrator("apply", "--dry-run").output
    assert would.count("would be created") == 2 * len(TOPICS) + len(TOPIC_OF_FUNCTION)
    created = orchestrator("apply").output.splitlines()
    assert {line.rpartition(": ")[2] for line in created} == {"created"}
    again = orchestrator("apply").output.splitlines()
    assert {line.rpartition(": ")[2] for line in again} == {"as it should be"}

    async def shorten(client: Client) -> None:
        streams, stream = client.jetstream(), bench.names.stream("runs")
        await streams.update_stream((await streams.stream_info(stream)).config.evolve(max_age=600.0))

    bench.use(shorten)
    changed = command(on_nats(bench, endpoints=json.dumps({"reconcile": "http://x"})))("apply").output
    assert f"stream {bench.prefix}runs: updated: max_age" in changed
    assert "no subscription for submit_docs" in changed


def test_apply_names_a_nats_server_that_cannot_be_reached(nats_server: str) -> None:
    away = command({"ORCHESTRATOR_QUEUES__NATS__SERVERS": '["nats://127.0.0.1:1"]'})("apply", ok=False)
    assert "nats://127.0.0.1:1: " in str(away.exception)


def test_every_dead_letter_topic_has_a_subscription_that_keeps_its_messages(
    orchestrator: Command, project: Project
) -> None:
    orchestrator("apply")
    found = list(project.subscriber.list_subscriptions(project=f"projects/{project.id}"))
    used = {each.dead_letter_policy.dead_letter_topic for each in found if each.dead_letter_policy.dead_letter_topic}
    assert used
    assert used <= {each.topic for each in found if not each.push_config.push_endpoint}


@pytest.mark.parametrize(
    ("queues", "named"),
    [
        ({"PROJECT": "proj-one", "URL": "http://x"}, "queues"),
        ({"URL": "http://x", "NATS__SERVERS": '["nats://x"]'}, "url (the embedded queue) and nats.servers (NATS)"),
        ({"NATS__SERVERS": '["nats://user:secret@x"]'}, "queues.nats.servers"),
        ({"NATS__SERVERS": '["nats://x"]', "NATS__USER": "u"}, "password_file"),
        ({"NATS__SERVERS": '["nats://x"]', "NATS__USER": "u", "NATS__TOKEN": "t"}, "user and token"),
        ({"NATS__SERVERS": '["nats://x"]', "NATS__KEY_FILE": "/x"}, "certificate_file and key_file"),
        ({"PROJECT": "proj-one", "PUSH_TOKEN": "t"}, "push_token"),
        ({"PREFIX": "a-"}, "prefix"),
        ({"PROJECT": "proj-one", "PUSH_AUDIENCE": "a"}, "push_identity"),
        ({"PROJECT": "NOT A PROJECT"}, "queues.project"),
        ({"PROJECT": "proj-one", "ENDPOINTS": '{"reconcile": "no url"}'}, "queues.endpoints"),
        ({"PROJECT": "proj-one", "ENDPOINTS": '{"reconcil": "https://x"}'}, "reconcil"),
        ({"URL": "http://x"}, "queues.project"),
        ({}, "queues.project"),
    ],
)
def test_apply_names_a_wrong_setting(queues: dict[str, str], named: str) -> None:
    environ = {f"ORCHESTRATOR_QUEUES__{key}": text for key, text in queues.items()}
    done = command(environ)("apply", ok=False)
    assert isinstance(done.exception, CommandError)
    assert named in str(done.exception)


def test_failed_publish_names_the_topic_and_a_remedy(project: Project) -> None:
    event = Event("1", "/tests", requested("code"), "", {})
    with pytest.raises(PublishError, match=r"topics/pre-jobs does not exist.*orchestrator queues apply"):
        PubsubPublisher(project).publish("jobs", event)
    with pytest.raises(PublishError, match=r"queues\.project"):
        connect(QueueSettings())


def test_unreachable_emulator_is_reported_after_the_timeout(pubsub: str) -> None:
    away = PubsubPublisher(Project("commands-away", emulator="127.0.0.1:1"), seconds=1.0)
    with pytest.raises(PublishError, match="did not do as asked"):
        away.publish("jobs", Event("1", "/tests", requested("code"), "", {}))


Broker = tuple[Publisher, dict[str, str]]


@pytest.fixture(params=["embedded", "emulator", "nats"])
def refused(request: pytest.FixtureRequest, tmp_path: Path, consumer: Consumer) -> Iterator[Broker]:
    """Yield a queue whose consumer rejects everything: an event on `runs` is a dead letter after 5 attempts."""
    consumer.answer = 500
    retry = RetryPolicy(0.05, 0.1)
    subscription = Subscription("runs-push", "runs", consumer.url, DeadLetterPolicy("runs-dead", 5), retry)
    topology = Topology(tuple(name for topic in TOPICS for name in (topic, f"{topic}-dead")), (subscription,))
    if request.param == "embedded":
        with serve(Queue(database(tmp_path / "queue.db"), topology)) as served:
            yield EmbeddedPublisher(served.url), {"ORCHESTRATOR_QUEUES__URL": served.url}
        return
    if request.param == "nats":
        bench = Bench.on(request.getfixturevalue("nats_server"))
        with dispatching(bench.settings, bench.prefix, topology):
            yield bench.publisher(), on_nats(bench)
        return
    project = request.getfixturevalue("project")
    list(TopologyApplier(project).apply(topology))
    environ = environment(project)
    del environ["ORCHESTRATOR_QUEUES__ENDPOINTS"]
    yield PubsubPublisher(project), environ


@pytest.mark.timeout(240)
def test_dead_letters_are_listed_replayed_and_dropped(refused: Broker, consumer: Consumer, tmp_path: Path) -> None:
    publisher, environ = refused
    with api_server(tmp_path / "state.sqlite") as url:
        world = Harness(transport(url, tmp_path), "orchestrator")
        spec = CodeRunSpec.model_validate({**CODE_SPEC, "env": [{"name": "TOKEN", "value": "s3cret"}]})
        made = world.kubelet.create(KIND, manifest.run(spec, "orchestrator", "stands"))
        condition = {"type": "Succeeded", "status": "False", "reason": "MissingSecret", "message": "", **SINCE}
        world.kubelet.patch(KIND, "orchestrator", "stands", {"status": {"conditions": [condition]}}, "status")
        kubeconfig = write_kubeconfig(tmp_path, url, "orchestrator")
        orchestrator = command({**environ, "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(kubeconfig)})
        assert "no dead letters" in orchestrator("dead", "list", "runs").output
        gone = {**made, "metadata": {**made["metadata"], "name": "away"}}
        publisher.publish("runs", Event("1", "/tests", RESOURCE + "update", "", made))
        publisher.publish("runs", Event("2", "/tests", RESOURCE + "update", "", gone))
        publisher.publish("runs", Event("3", "/tests", "somebody.elses.v1", "", {"secret": "s3cret"}))

        def listed() -> list[dict[str, str]]:
            return list(json.loads(orchestrator("dead", "list", "runs", "-o", "json").output))

        until(lambda: len(listed()) == 3, 100, every=0.25)
        rows = {row["event"]: row for row in listed()}
        assert (rows["1"]["run"], rows["1"]["runReason"]) == ("CodeRun orchestrator/stands", "MissingSecret")
        assert (rows["2"]["run"], rows["2"]["runReason"]) == ("CodeRun orchestrator/away", "gone")
        assert rows["3"]["run"].startswith("search the logs for message ")
        table = orchestrator("dead", "list", "runs").output
        assert "MissingSecret" in table
        assert "s3cret" not in table + json.dumps(rows)
        consumer.answer = 200
        consumer.pushes.clear()
        assert rows["1"]["id"] in orchestrator("dead", "replay", "runs", rows["1"]["id"]).output
        until(lambda: consumer.pushes, 60)
        assert [push.id for push in consumer.pushes] == ["1"]
        kept = orchestrator("dead", "drop", "runs", rows["2"]["id"], typed="n\n", ok=False)
        assert "for good?" in kept.output
        orchestrator("dead", "drop", "runs", rows["2"]["id"], "--yes")
        again = orchestrator("dead", "drop", "runs", rows["2"]["id"], "--yes", ok=False)
        assert "no such dead letters" in str(again.exception)
        assert [row["event"] for row in listed()] == ["3"]
        orchestrator("dead", "drop", "runs", "--all", "--yes")
        assert listed() == []
        assert "is not a topic; use one of" in orchestrator("dead", "list", "rnus", ok=False).output
        assert "--all" in orchestrator("dead", "replay", "runs", ok=False).output
