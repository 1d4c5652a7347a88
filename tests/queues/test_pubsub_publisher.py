"""Publishing to Google Pub/Sub by REST: what goes out, and what each answer comes to. All calls are counted.

| Pub/Sub                                   | comes to                                              | calls          |
|-------------------------------------------|-------------------------------------------------------|----------------|
| stores it                                 | one token and one connection for all that follows     | 1              |
| 401, then stores it                       | another token                                         | 2              |
| 401 for ever, 403                         | the role to grant, in Google's words                  | 2, 1           |
| 404                                       | `orchestrator queues apply`                           | 1              |
| 400, 409, 200 without an id               | Google's words                                        | 1              |
| 408, 429, 5xx, ABORTED, cut, gone, silent | again, later and later                                | 1 more         |
| any of these for ever                     | PublishError once the time is up                      | one each pause |
| a message that is too large               | PublishError that says so                             | 0              |
| no token to be had, for now or at all     | again, or PublishError                                | 1, or 0        |
| a certificate that is not trusted         | PublishError at once                                  | 0              |
| a proxy in the environment                | is asked for the host, unless NO_PROXY names it       |                |

In no error is there a token.
"""

import json
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from functions.queues.pubsub.rest import LONGEST_PAUSE, Patience, Service

from functions.events.event import Event
from functions.identity import ServiceAccount
from functions.queues.backends import connect
from functions.queues.publisher import PublishError
from functions.queues.pubsub.project import Project
from functions.queues.pubsub.publisher import PubsubPublisher
from functions.settings.queues import QueueSettings
from tests.support.google_cloud import CUT, GONE, PUBSUB, SILENT, Answer, GoogleCloud, error, serving

EVENT = Event("id 1", "/s", "t.v1", "acme/shop", {"a": "ü"}, "one", "00-1-2-01")
PATH = "projects/proj-one/topics/pre-github"
STORED: Answer = (200, {"messageIds": ["1"]})
PASSING = [error(code) for code in (408, 429, 500, 502, 503, 504)]


class Time:
    """Passes only while somebody waits."""

    def __init__(self) -> None:
        self.now, self.waits = 0.0, list[float]()

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    with serving(tmp_path) as found:
        for name, text in found.environ.items():
            monkeypatch.setenv(name, text)
        monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
        yield found


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def publisher(cloud: GoogleCloud, time: Time) -> PubsubPublisher:
    return publishing(cloud, time)


def publishing(cloud: GoogleCloud, time: Time, seconds: float = 10.0) -> PubsubPublisher:
    patience = Patience(seconds, lambda: time.now, time.wait)
    account = ServiceAccount(lambda: time.now)
    return PubsubPublisher(Project("proj-one", "pre-"), connect=lambda _: Service(cloud.url, account, patience))


def refused(publisher: PubsubPublisher, cloud: GoogleCloud) -> str:
    """What is told of a publish that fails; nothing of its cause may show a token."""
    with pytest.raises(PublishError) as caught:
        publisher.publish("github", EVENT)
    whole = "".join(traceback.format_exception(caught.value))
    assert "secret-" not in whole
    assert "Bearer" not in whole
    return str(caught.value)


def test_an_event_is_one_message(publisher: PubsubPublisher, cloud: GoogleCloud) -> None:
    publisher.publish("github", EVENT)
    (call,) = cloud.published
    assert call.path == f"/v1/{PATH}:publish"
    assert json.loads(call.data) == EVENT.data
    assert call.message["orderingKey"] == "one"
    assert call.message["attributes"] == {
        "ce-specversion": "1.0",
        "ce-id": "id 1",
        "ce-source": "/s",
        "ce-type": "t.v1",
        "ce-subject": "acme/shop",
        "ce-partitionkey": "one",
        "ce-traceparent": "00-1-2-01",
        "content-type": "application/json",
    }


def test_a_topic_is_a_name_and_no_more_of_a_url(publisher: PubsubPublisher, cloud: GoogleCloud) -> None:
    publisher.publish("a b?c=%#", EVENT)
    assert cloud.published[0].path == "/v1/projects/proj-one/topics/pre-a%20b%3Fc%3D%25%23:publish"


def test_one_token_and_one_connection_serve_all(publisher: PubsubPublisher, cloud: GoogleCloud, time: Time) -> None:
    for _ in range(5):
        publisher.publish("github", EVENT)
    assert {each.authorization for each in cloud.published} == {"Bearer secret-1"}
    assert len({each.connection for each in cloud.published}) == 1
    time.now = 3541
    publisher.publish("github", EVENT)
    assert cloud.published[-1].authorization == "Bearer secret-2"


def test_threads_get_all_through(publisher: PubsubPublisher, cloud: GoogleCloud, time: Time) -> None:
    together = threading.Barrier(16)

    def publish(number: int) -> None:
        together.wait(30)
        publisher.publish("github", Event(str(number), "/s", "t.v1", "", None))

    with ThreadPoolExecutor(16) as pool:
        for begun in (0.0, 4000.0):
            time.now = begun
            list(pool.map(publish, range(16)))
    assert sorted(each.message["attributes"]["ce-id"] for each in cloud.published) == sorted(
        str(number) for number in range(16) for _ in "12"
    )
    assert len({each.connection for each in cloud.published}) <= 32
    assert not time.waits


def test_a_token_that_is_refused_is_replaced_once(publisher: PubsubPublisher, cloud: GoogleCloud, time: Time) -> None:
    cloud.publishes = [STORED, error(401)]
    publisher.publish("github", EVENT)
    publisher.publish("github", EVENT)
    asked = [each.authorization for each in cloud.published]
    assert asked == ["Bearer secret-1", "Bearer secret-1", "Bearer secret-2"]
    cloud.publishes = [error(401, message="no valid token")] * 3
    assert (
        refused(publisher, cloud) == f"{PATH}: not allowed; grant the caller roles/pubsub.publisher: 401 no valid token"
    )
    assert (len(cloud.published), time.waits) == (5, [])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (error(403), "not allowed; grant the caller roles/pubsub.publisher: 403 in the words of Google"),
        (error(404), "is not there: make it with `orchestrator queues apply`"),
        (error(400), "did not do as asked: 400 in the words of Google"),
        (error(413), "did not do as asked: 413 in the words of Google"),
        (error(409, "ALREADY_EXISTS"), "did not do as asked: 409 in the words of Google"),
        ((302, {}), "did not do as asked: 302"),
        ((400, {"error": "of somebody else's"}), "did not do as asked: 400"),
        ((200, {}), "did not do as asked: it answered without the message's id"),
        (error(400, message="a\nlong " + "x" * 9999), "did not do as asked: 400 a long x"),
    ],
)
def test_what_will_not_pass_is_told_at_once(
    publisher: PubsubPublisher, cloud: GoogleCloud, time: Time, answer: Answer, told: str
) -> None:
    cloud.publishes = [answer]
    text = refused(publisher, cloud)
    assert text.startswith(PATH)
    assert told in text
    assert len(text) < 700
    assert (len(cloud.published), time.waits) == (1, [])


@pytest.mark.parametrize("answer", [*PASSING, error(409, "ABORTED"), CUT, GONE], ids=str)
def test_what_may_pass_is_asked_again(
    publisher: PubsubPublisher, cloud: GoogleCloud, time: Time, answer: Answer
) -> None:
    cloud.publishes = [answer, answer]
    publisher.publish("github", EVENT)
    assert (len(cloud.published), len(time.waits)) == (3, 2)
    assert {each.authorization for each in cloud.published} == {"Bearer secret-1"}


def test_silence_is_not_waited_for_longer_than_there_is_time(cloud: GoogleCloud, time: Time) -> None:
    cloud.publishes = [SILENT]
    publishing(cloud, time, seconds=0.15).publish("github", EVENT)
    assert len(cloud.published) == 2
    cloud.publishes = [SILENT] * 99
    assert "timed out" in refused(publishing(cloud, time, seconds=0.15), cloud)


def test_what_does_not_pass_is_given_up_in_time(publisher: PubsubPublisher, cloud: GoogleCloud, time: Time) -> None:
    cloud.publishes = [error(503)] * 999
    assert "did not do as asked: 503 in the words of Google" in refused(publisher, cloud)
    assert len(cloud.published) == len(time.waits) + 1
    assert sum(time.waits) < 10
    assert len(time.waits) > 3
    most = [0.1, 0.2, 0.4, 0.8, 1.6]
    assert all(waited <= longest for waited, longest in zip(time.waits, most, strict=False))
    assert max(time.waits) <= LONGEST_PAUSE


def test_an_emulator_that_is_not_there_is_given_up_in_time() -> None:
    away = PubsubPublisher(Project("proj-one", emulator="127.0.0.1:1"), seconds=0.2)
    with pytest.raises(PublishError, match=r"did not do as asked: .*refused"):
        away.publish("github", EVENT)


def test_a_message_that_is_too_large_is_named(publisher: PubsubPublisher, cloud: GoogleCloud) -> None:
    with pytest.raises(
        PublishError, match=rf"^{PATH}: the message is too large: 10\d{{6}} bytes, of at most 10485760$"
    ):
        publisher.publish_message("github", b"x" * 7_864_320, {})
    assert not cloud.published
    publisher.publish_message("github", b"x" * 7_864_000, {})
    assert len(cloud.published[0].data) == 7_864_000


def test_without_a_token_for_now_it_is_asked_for_again(
    publisher: PubsubPublisher, cloud: GoogleCloud, time: Time
) -> None:
    cloud.tokens = [error(503), CUT, (200, {})]
    publisher.publish("github", EVENT)
    assert (len(cloud.published), len(time.waits)) == (1, 3)


def test_without_a_service_account_nothing_is_sent(publisher: PubsubPublisher, cloud: GoogleCloud, time: Time) -> None:
    cloud.tokens = [error(404)]
    assert "metadata server at 127.0.0.1" in refused(publisher, cloud)
    assert (cloud.published, time.waits) == ([], [])


def test_a_token_that_is_no_word_is_not_shown(publisher: PubsubPublisher, cloud: GoogleCloud) -> None:
    cloud.tokens = [(200, {"access_token": "secret-\r\nX-Other:1", "expires_in": 300})]
    assert "no word" in refused(publisher, cloud)
    assert not cloud.published


def test_the_deployed_publisher_reaches_google_s_own_url(cloud: GoogleCloud) -> None:
    publisher = connect(QueueSettings(project="proj-one", prefix="pre-"))
    for _ in range(3):
        publisher.publish("github", EVENT)
    assert [each.path for each in cloud.published] == [f"/v1/{PATH}:publish"] * 3
    assert {each.authorization for each in cloud.published} == {"Bearer secret-1"}
    assert cloud.tunnels == [f"{PUBSUB}:443 Basic bWU6cyBA"], "one tunnel for all: me, s @"


def test_who_is_not_trusted_gets_nothing(
    cloud: GoogleCloud, time: Time, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    account, patience = ServiceAccount(), Patience(10.0, lambda: time.now, time.wait)
    publisher = PubsubPublisher(
        Project("proj-one", "pre-"), connect=lambda _: Service(cloud.secure_url, account, patience)
    )
    assert "certificate verify failed" in refused(publisher, cloud)  # it is not one for 127.0.0.1
    assert (cloud.published, cloud.tunnels, time.waits) == ([], [], [])
