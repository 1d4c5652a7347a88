"""Publishing to a real NATS server: the stored message, and the error of each failure."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError
from nats.js.errors import NoStreamResponseError, NotFoundError, ServiceUnavailableError

from functions.events.event import Event
from functions.local.dev.server import free_port
from functions.local.nats import NatsServer
from functions.queues.backends.nats import connection
from functions.queues.backends.nats.connection import NatsError, NatsUnavailableError, explained
from functions.queues.backends.nats.setup import TopologyApplier
from functions.queues.publisher import PublishError
from functions.settings.nats import NatsSettings
from tests.queues.nats_bench import Bench, event, jobs
from tests.queues.nats_operator import Operator
from tests.support.github.certificate import make

Serve = Callable[..., NatsServer]

REFUSED = re.compile(r"refuses? the credentials.* queues\.nats")


@pytest.fixture
def serve(nats_server: str, tmp_path: Path) -> Iterator[Callable[[str], NatsServer]]:
    """Return a function that starts a server with more configuration; `nats_server` skips without NATS."""
    started: list[NatsServer] = []

    def start(configuration: str) -> NatsServer:
        server = NatsServer(free_port(), tmp_path / "nats", tmp_path / "nats.log", configuration)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


def refusal(bench: Bench, published: Event, seconds: float = 0.5) -> str:
    with pytest.raises(PublishError) as caught:
        bench.publisher(seconds).publish("jobs", published)
    return str(caught.value)


@contextmanager
def applied(bench: Bench) -> Iterator[Bench]:
    bench.apply(jobs("http://127.0.0.1:1/"))
    yield bench


def test_texts_of_errors_are_logged_once_and_not_kept_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    errors = connection._Errors()

    async def note_many() -> None:
        for port in range(1000):
            for _ in range(2):
                await errors.note(ConnectionRefusedError(f"refused from port {port}"))

    asyncio.run(note_many())
    assert (len(errors.texts), len(caplog.records)) == (connection.KEPT_TEXTS, 1000)


def test_event_published_during_setup_is_refused_and_not_lost(nats_server: str) -> None:
    """A stream without consumers would acknowledge a message and drop it, so publishes must fail until they exist."""
    bench = Bench.on(nats_server)
    topology = jobs("http://127.0.0.1:1/")
    refused: list[str] = []

    async def set_up(client: Client) -> None:
        async for _ in TopologyApplier(client, bench.names).apply(topology):
            try:
                await asyncio.to_thread(bench.publisher(0.2).publish, "jobs", event(f"e{len(refused)}"))
            except PublishError as error:
                refused.append(str(error))

    bench.use(set_up)
    assert len(refused) == 3, "after each stream and consumer"
    bench.publisher().publish("jobs", event("after"))
    assert [(message.headers or {})["ce-id"] for message in bench.stored("jobs")] == ["after"]


def test_event_is_one_message_in_binary_mode(nats_server: str) -> None:
    with applied(Bench.on(nats_server)) as bench:
        publisher = bench.publisher()
        sent = Event("id 1", "/s", "t.v1", "acme/shop ü", {"a": "ü"}, "00-1-2-01")
        for _ in range(2):
            publisher.publish("jobs", sent)
        publisher.publish("jobs", event("another"))
        first, second = bench.stored("jobs")
    assert first.subject == f"orchestrator.{bench.prefix}jobs"
    assert json.loads(first.data or b"") == sent.data
    assert first.headers == {
        "Nats-Expected-Stream": f"{bench.prefix}jobs",
        "Nats-Msg-Id": "/s id%201",
        "ce-specversion": "1.0",
        "ce-id": "id%201",
        "ce-source": "/s",
        "ce-type": "t.v1",
        "ce-subject": "acme/shop%20%C3%BC",
        "ce-traceparent": "00-1-2-01",
        "ce-datacontenttype": "application/json",
    }
    assert (second.headers or {})["ce-id"] == "another"


def test_missing_stream_is_named_with_a_remedy(nats_server: str) -> None:
    bench = Bench.on(nats_server)
    assert f"stream {bench.prefix}jobs: no server takes its messages" in (text := refusal(bench, event("one")))
    assert "orchestrator queues apply" in text


@pytest.mark.parametrize("answer", [NoRespondersError(), NoStreamResponseError(), ServiceUnavailableError()])
def test_error_during_a_leader_election_counts_as_unavailable(answer: Error) -> None:
    """No server answers for a stream without a leader; only a 404 of the JetStream API means that it is missing."""
    with pytest.raises(NatsUnavailableError, match=r"stream jobs: .*servers"), explained("stream jobs"):
        raise answer


def test_404_of_jetstream_means_a_missing_stream() -> None:
    with pytest.raises(NatsError, match="stream jobs does not exist") as caught, explained("stream jobs"):
        raise NotFoundError(code=404)
    assert not isinstance(caught.value, NatsUnavailableError)


def test_unreachable_nats_server_is_named_after_the_timeout(nats_server: str) -> None:
    text = refusal(Bench.on("nats://127.0.0.1:1"), event("one"))
    assert "nats://127.0.0.1:1: " in text
    assert "Connect call failed" in text


def test_publisher_continues_after_a_restart_of_the_server(serve: Serve) -> None:
    server = serve("")
    with applied(Bench.on(server.url)) as bench:
        publisher = bench.publisher()
        publisher.publish("jobs", event("before"))
        server.stop()
        server.start()
        publisher.publish("jobs", event("after"))
        assert [(each.headers or {})["ce-id"] for each in bench.stored("jobs")] == ["before", "after"]


def test_error_for_a_refused_user_names_the_setting_without_the_password(serve: Serve) -> None:
    url = serve('authorization { user: functions, password: "right one" }\n').url
    with applied(Bench.on(url, user="functions", password="right one")) as bench:
        bench.publisher().publish("jobs", event("one"))
        wrong = Bench(
            bench.settings.model_validate({"servers": [url], "user": "u", "password": "s3cret"}), bench.prefix
        )
        text = refusal(wrong, event("two"))
    assert REFUSED.search(text)
    assert "s3cret" not in text


def test_credentials_file_is_accepted_only_by_servers_of_its_operator(serve: Serve, tmp_path: Path) -> None:
    operator = Operator()
    url = serve(operator.configuration()).url
    own = operator.credentials(tmp_path / "own.creds")
    with applied(Bench.on(url, credentials_file=own)) as bench:
        bench.publisher().publish("jobs", event("one"))
        assert len(bench.stored("jobs")) == 1
    others = Operator().credentials(tmp_path / "others.creds")
    assert REFUSED.search(refusal(Bench.on(url, credentials_file=others), event("two")))


def test_refused_credentials_are_named_beside_a_server_that_is_away(serve: Serve) -> None:
    url = serve('authorization { user: functions, password: "right one" }\n').url
    servers = [url, "nats://127.0.0.1:1"]
    settings = NatsSettings.model_validate({"servers": servers, "user": "u", "password": "p"})
    text = refusal(Bench(settings, "bench-"), event("one"))
    assert REFUSED.search(text)
    assert "Connect call failed" in text


def test_connection_that_the_server_resets_may_mean_refused_credentials() -> None:
    """The answer of a server that refuses them may be lost with what it has not read."""
    with pytest.raises(NatsUnavailableError, match=REFUSED), explained("stream jobs"):
        raise ConnectionResetError


def test_server_certificate_is_verified_with_ca_file(serve: Serve, tmp_path: Path) -> None:
    own = make(tmp_path)
    url = serve(f'tls {{ cert_file: "{own.path}", key_file: "{own.key}" }}\n').url.replace("nats:", "tls:")
    with applied(Bench.on(url, ca_file=own.path)) as bench:
        bench.publisher().publish("jobs", event("one"))
        assert len(bench.stored("jobs")) == 1
    assert "certificate verify failed" in refusal(Bench.on(url), event("two"))


def test_too_large_message_is_reported_with_the_servers_setting(serve: Serve) -> None:
    with applied(Bench.on(serve("max_payload: 1KB\n").url)) as bench:
        assert "raise max_payload" in refusal(bench, event("one", "x" * 2000))


@pytest.mark.parametrize("name", ["credentials_file", "password_file", "ca_file"])
def test_a_file_that_cannot_be_read_is_named(nats_server: str, tmp_path: Path, name: str) -> None:
    user = {"user": "u"} if name == "password_file" else {}
    text = refusal(Bench.on(nats_server, **user, **{name: tmp_path / "away"}), event("one"))
    assert f"queues.nats: cannot read {tmp_path / 'away'}" in text
