"""Publishing to Google Pub/Sub through its client library: the stored message, errors, and credentials.

| answer of Pub/Sub                          | result                                               | calls        |
|--------------------------------------------|------------------------------------------------------|--------------|
| success                                    | the event is one message; threads share a connection | 1            |
| PERMISSION_DENIED, UNAUTHENTICATED         | PublishError with the role to grant                  | 1            |
| NOT_FOUND                                  | PublishError with `orchestrator queues apply`        | 1            |
| INVALID_ARGUMENT                           | PublishError with Google's message                   | 1            |
| ABORTED, UNAVAILABLE, INTERNAL, ...        | the call is repeated                                 | 2            |
| the same each time, or no server           | PublishError after the timeout                       | several      |
| none: the message is too large             | PublishError with its size                           | 0            |

| credentials of the process                 | Pub/Sub receives, through a proxy                    |
|--------------------------------------------|------------------------------------------------------|
| the metadata server                        | its token, which is fetched once                     |
| a service account's key file               | a token that the key signed                          |
| a workload identity federation file        | the token exchanged for it                           |
| a user's file, with a quota project        | the user's token, and the project to bill            |
| a file that does not exist                 | nothing; PublishError names the file                 |

No error contains a token.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest
from grpc import StatusCode

from functions.events.event import Event
from functions.queues.backends.pubsub.project import Project
from functions.queues.backends.pubsub.publisher import PubsubPublisher
from functions.queues.publisher import PublishError
from tests.support.api import ROOT
from tests.support.google_cloud import PUBSUB, GoogleCloud, serving
from tests.support.google_files import federation_file, key_file, user_file

EVENT = Event("id 1", "/s", "t.v1", "acme/shop", {"a": "ü"}, "00-1-2-01")
PATH = "projects/proj-one/topics/pre-github"
PASSING = [
    StatusCode.ABORTED,
    StatusCode.CANCELLED,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.INTERNAL,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.UNAVAILABLE,
    StatusCode.UNKNOWN,
]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[GoogleCloud]:
    with serving(tmp_path) as found:
        yield found


@pytest.fixture
def publisher(cloud: GoogleCloud) -> PubsubPublisher:
    return PubsubPublisher(Project("proj-one", "pre-", cloud.emulator))


def refusal(publisher: PubsubPublisher) -> str:
    """Return the error message of a publish that fails."""
    with pytest.raises(PublishError) as caught:
        publisher.publish("github", EVENT)
    return str(caught.value)


def test_event_is_one_pubsub_message(publisher: PubsubPublisher, cloud: GoogleCloud) -> None:
    publisher.publish("github", EVENT)
    (call,) = cloud.published
    assert call.topic == PATH
    assert json.loads(call.message.data) == EVENT.data
    assert dict(call.message.attributes) == {
        "ce-specversion": "1.0",
        "ce-id": "id 1",
        "ce-source": "/s",
        "ce-type": "t.v1",
        "ce-subject": "acme/shop",
        "ce-traceparent": "00-1-2-01",
        "content-type": "application/json",
    }


def test_event_without_data_is_a_message_without_data(publisher: PubsubPublisher, cloud: GoogleCloud) -> None:
    publisher.publish("sweep", Event("1", "/s", "t.v1", "", None))
    assert cloud.published[0].message.data == b""


def test_threads_share_one_connection(publisher: PubsubPublisher, cloud: GoogleCloud) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: publisher.publish("github", Event(str(number), "/s", "t", "", None)), range(32)))
    names = [call.message.attributes["ce-id"] for call in cloud.published]
    assert sorted(names, key=int) == [str(number) for number in range(32)]
    assert len({call.connection for call in cloud.published}) == 1


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (
            StatusCode.PERMISSION_DENIED,
            "not allowed; grant the caller roles/pubsub.publisher: 403 in the words of Google",
        ),
        (
            StatusCode.UNAUTHENTICATED,
            "not allowed; grant the caller roles/pubsub.publisher: 401 in the words of Google",
        ),
        (StatusCode.NOT_FOUND, "does not exist: create it with `orchestrator queues apply`"),
        (StatusCode.INVALID_ARGUMENT, "Pub/Sub did not do as asked: 400 in the words of Google"),
    ],
    ids=str,
)
def test_permanent_error_is_reported_at_once(
    publisher: PubsubPublisher, cloud: GoogleCloud, status: StatusCode, problem: str
) -> None:
    cloud.publishes = [status]
    text = refusal(publisher)
    assert text.startswith(PATH)
    assert problem in text
    assert len(cloud.published) == 1


@pytest.mark.parametrize("status", PASSING, ids=str)
def test_transient_error_is_retried(publisher: PubsubPublisher, cloud: GoogleCloud, status: StatusCode) -> None:
    cloud.publishes = [status]
    publisher.publish("github", EVENT)
    assert len(cloud.published) == 2


def test_repeated_transient_error_is_reported_after_the_timeout(cloud: GoogleCloud) -> None:
    cloud.publishes = [StatusCode.UNAVAILABLE] * 999
    publisher = PubsubPublisher(Project("proj-one", "pre-", cloud.emulator), seconds=0.5)
    assert "Pub/Sub did not do as asked: Timeout of 0.5s exceeded" in refusal(publisher)
    assert 0 < len(cloud.published) < 999


def test_unreachable_emulator_is_reported_within_its_timeout() -> None:
    text = refusal(PubsubPublisher(Project("proj-one", "pre-", "127.0.0.1:1"), seconds=0.2))
    assert text.startswith(f"{PATH}: Pub/Sub did not do as asked: Timeout of 0.2s exceeded")
    assert len(text) < 700


def test_too_large_message_is_rejected_with_its_size(publisher: PubsubPublisher, cloud: GoogleCloud) -> None:
    with pytest.raises(
        PublishError, match=rf"^{PATH}: the message is too large: 10\d{{6}} bytes, of at most 10485760$"
    ):
        publisher.publish_message("github", b"x" * 10 * 1024 * 1024, {})
    assert not cloud.published
    publisher.publish_message("github", b"x" * 10_000_000, {})
    assert len(cloud.published[0].message.data) == 10_000_000


PUBLISH = """
import sys
from functions.events.event import Event
from functions.queues.backends import connect
from functions.settings.queues import QueueSettings
publisher = connect(QueueSettings(project="proj-one", prefix="pre-"))
for number in range(3):
    publisher.publish("github", Event(str(number), "/s", "t.v1", "", {}))
"""


def published(cloud: GoogleCloud, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a process that publishes three events; gRPC and google-auth read the environment once per process."""
    return subprocess.run(
        [sys.executable, "-c", PUBLISH],
        env={"PATH": "", **cloud.environ, **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_metadata_server_gives_the_access_token_on_google_cloud(cloud: GoogleCloud) -> None:
    done = published(cloud)
    assert done.returncode == 0, done.stderr
    assert [call.topic for call in cloud.published] == [PATH] * 3
    assert {call.metadata["authorization"] for call in cloud.published} == {"Bearer secret-1"}
    assert cloud.tunnels == [f"{PUBSUB}:443 Basic bWU6cyBA"], "one tunnel for all: me, s @"


def test_service_account_key_signs_the_token(cloud: GoogleCloud, tmp_path: Path) -> None:
    done = published(cloud, GOOGLE_APPLICATION_CREDENTIALS=str(key_file(tmp_path, cloud)))
    assert done.returncode == 0, done.stderr
    (authorization,) = {call.metadata["authorization"] for call in cloud.published}
    claims = jwt.decode(authorization.removeprefix("Bearer "), options={"verify_signature": False})
    assert claims["iss"] == "me@proj-one.test"
    assert not cloud.given, "no token is fetched"


@pytest.mark.parametrize("make", [federation_file, user_file])
def test_credentials_file_is_exchanged_for_a_token(
    cloud: GoogleCloud, tmp_path: Path, make: Callable[[Path, GoogleCloud], Path]
) -> None:
    file = make(tmp_path, cloud)
    done = published(cloud, GOOGLE_APPLICATION_CREDENTIALS=str(file), GOOGLE_CLOUD_QUOTA_PROJECT="proj-two")
    assert done.returncode == 0, done.stderr
    assert {call.metadata["authorization"] for call in cloud.published} == {"Bearer secret-1"}
    assert {call.metadata["x-goog-user-project"] for call in cloud.published} == {"proj-two"}


def test_a_file_that_does_not_exist_is_named(cloud: GoogleCloud) -> None:
    done = published(cloud, GOOGLE_APPLICATION_CREDENTIALS="nowhere.json")
    assert f"PublishError: {PATH}: no credentials for Google Cloud: File nowhere.json was not found" in done.stderr
    assert not cloud.published


def test_error_contains_no_token(cloud: GoogleCloud) -> None:
    cloud.publishes = [StatusCode.PERMISSION_DENIED]
    done = published(cloud)
    assert "grant the caller roles/pubsub.publisher" in done.stderr
    assert "secret-" not in done.stderr
