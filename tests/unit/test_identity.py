"""Who a process is to Google Cloud, and how long its tokens are used.

| configured                                     | comes to                                                          |
|------------------------------------------------|-------------------------------------------------------------------|
| nothing                                        | the metadata server's token, kept until it nears its end          |
| it breaks off                                  | asked again at once, three times                                  |
| it has none, or answers something else         | IdentityError, which says whether that may pass                   |
| GOOGLE_APPLICATION_CREDENTIALS                 | google-auth's, with the project that it bills                     |
| gcloud's application default file              | the same                                                          |
| a file that is not there, or no credentials    | IdentityError that names it                                       |
| a token was refused                            | another one                                                       |
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from functions.identity import GCLOUD_FILE, IdentityError, ServiceAccount, StoredIdentity, google
from tests.support.api import ROOT
from tests.support.google_cloud import CUT, GONE, Answer, GoogleCloud, error, serving


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    with serving(tmp_path) as found:
        for name, text in found.environ.items():
            monkeypatch.setenv(name, text)
        yield found


def bearer(number: int) -> dict[str, str]:
    return {"Authorization": f"Bearer secret-{number}"}


def test_a_token_is_replaced_before_its_end(cloud: GoogleCloud) -> None:
    now, cloud.token_seconds = [0.0], 300.0
    account = ServiceAccount(lambda: now[0])
    found = []
    for at in (0.0, 239.0, 241.0):
        now[0] = at
        found.append(account.headers())
    assert found == [bearer(1), bearer(1), bearer(2)]


def test_a_token_that_is_refused_is_forgotten_and_no_later_one(cloud: GoogleCloud) -> None:
    account = ServiceAccount()
    refused = account.headers()
    for _ in range(2):  # two threads had the same one
        account.forget(refused)
        assert account.headers() == bearer(2)
    assert len(cloud.given) == 2


def test_a_connection_that_breaks_is_tried_three_times(cloud: GoogleCloud) -> None:
    cloud.tokens = [GONE, GONE]
    assert google().headers() == bearer(1)
    cloud.tokens = [GONE, GONE, GONE]
    with pytest.raises(IdentityError, match="does not answer"):
        google().headers()
    assert (cloud.tokens, len(cloud.given)) == ([], 1)


def test_where_there_is_no_metadata_server_it_says_what_to_set(
    cloud: GoogleCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")
    with pytest.raises(IdentityError, match=r"127\.0\.0\.1:1 does not answer .*GOOGLE_APPLICATION_CREDENTIALS"):
        google().headers()


@pytest.mark.parametrize(
    ("answer", "passing"),
    [
        (error(404), False),
        (error(403), False),
        (error(429), True),
        (error(503), True),
        (CUT, True),
        ((200, {}), True),
        ((200, {"access_token": "a", "expires_in": "soon"}), True),
        ((200, {"access_token": "a b", "expires_in": 300}), False),
    ],
    ids=str,
)
def test_what_is_no_token_is_told(cloud: GoogleCloud, answer: Answer, passing: bool) -> None:
    cloud.tokens = [answer]
    account = google()
    with pytest.raises(IdentityError, match="no credentials for Google Cloud: the metadata server") as caught:
        account.headers()
    assert caught.value.passing is passing
    assert account.headers() == bearer(1)


def key_file(file: Path, token_url: str) -> None:
    """A service account's, as Google Cloud gives it out; tokens are to be had at `token_url`."""
    key = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    whole = {"type": "service_account", "client_email": "me@proj-one.test", "private_key": private}
    file.write_text(json.dumps(whole | {"token_uri": token_url, "project_id": "proj-one"}))


@pytest.mark.parametrize("named", [True, False], ids=["GOOGLE_APPLICATION_CREDENTIALS", "gcloud"])
def test_credentials_in_a_file_are_used_by_google_auth(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    file = tmp_path / ("key.json" if named else GCLOUD_FILE)
    key_file(file, f"{cloud.url}/token")
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "proj-two")
    if named:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    identity = google()
    first = identity.headers()
    assert first == bearer(1) | {"X-Goog-User-Project": "proj-two"}
    assert identity.headers() == first
    for _ in range(2):
        identity.forget(first)
        assert identity.headers()["Authorization"] == "Bearer secret-2"
    assert len(cloud.given) == 2


def test_a_file_that_is_not_there_is_named(cloud: GoogleCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "nowhere.json")
    with pytest.raises(IdentityError, match=r"no credentials for Google Cloud: .*nowhere\.json") as caught:
        google().headers()
    assert not caught.value.passing


def test_a_file_without_credentials_is_named(cloud: GoogleCloud, tmp_path: Path) -> None:
    (tmp_path / GCLOUD_FILE).write_text("{}")
    with pytest.raises(IdentityError, match=GCLOUD_FILE):
        StoredIdentity().headers()


def test_google_auth_is_not_loaded_where_the_metadata_server_tells(cloud: GoogleCloud) -> None:
    code = (
        "import sys; from functions.identity import google; google().headers()\n"
        "assert not {'google.auth', 'urllib3'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
    assert len(cloud.given) == 1
