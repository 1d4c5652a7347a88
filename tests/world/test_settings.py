"""Cases G8, G10, S9, C9: values of settings that users really write."""

import json
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from functions.runs.model import naming
from functions.runs.model.specs import SPECS
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from functions.settings.model import Settings
from tests.support.builders import CODE_SPEC
from tests.support.github.app import App

IMAGE = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent", "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent"}
APP = {**IMAGE, "ORCHESTRATOR_GITHUB__APP_ID": "1"}
MANY = 100_000
EMU = "octocat_acme"


@pytest.mark.parametrize("line_break", ["\\n", "\\r\\n", "\r\n", " "])
def test_app_key_with_escaped_line_breaks_is_accepted(tmp_path: Path, line_break: str) -> None:
    written = App().private_key.replace("\n", line_break)
    file = tmp_path / "key.pem"
    file.write_text(written, newline="")
    for setting in ({"PRIVATE_KEY": written}, {"PRIVATE_KEY_FILE": str(file)}):
        found = load({**APP, **{f"ORCHESTRATOR_GITHUB__{name}": value for name, value in setting.items()}})
        assert jwt.encode({}, found.github.key, algorithm="RS256")


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, locked: KeySerializationEncryption) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()


BROKEN = {
    "cut off": App().private_key[:300],
    "with a passphrase": pem(App().key, BestAvailableEncryption(b"password")),
    "of another kind": pem(ec.generate_private_key(ec.SECP256R1()), NoEncryption()),
}


@pytest.mark.parametrize("key", BROKEN.values(), ids=BROKEN)
def test_app_key_that_cannot_sign_is_refused_at_start(key: str) -> None:
    with pytest.raises(SettingsError, match="setting github: private_key holds no private key") as caught:
        load({**APP, "ORCHESTRATOR_GITHUB__PRIVATE_KEY": key})
    assert key[40:80] not in str(caught.value)


def test_settings_accept_the_logins_of_managed_users() -> None:
    callers = {f"github:{EMU}": {"users": [EMU], "agents": ["*"]}}
    found = load(
        {
            **IMAGE,
            "ORCHESTRATOR_ACCESS__CALLERS": json.dumps(callers),
            "ORCHESTRATOR_GITHUB__ALLOWED_USERS": json.dumps([EMU]),
        }
    )
    grant = found.access.grant(f"github:{EMU.upper()}")
    assert grant is not None
    assert grant.users == found.github.allowed_users == [EMU]


@pytest.mark.parametrize("login", ["_octocat", "octocat_", "octo__cat", "octo cat", "o" * 40])
def test_invalid_login_is_refused_in_every_setting(login: str) -> None:
    for name, value in {
        "ACCESS__CALLERS": {f"github:{login}": {}},
        "GITHUB__ALLOWED_USERS": [login],
    }.items():
        with pytest.raises(SettingsError):
            load({**IMAGE, f"ORCHESTRATOR_{name}": json.dumps(value)})


def test_secret_of_a_managed_user_has_a_valid_kubernetes_name() -> None:
    body = {name: value for name, value in CODE_SPEC.items() if not name.startswith("github")}
    assert naming.ssh_secret(SPECS["CodeRun"].model_validate({**body, "githubUser": EMU})) == "github-ssh-octocat.acme"


def telemetry(endpoint: str, protocol: str) -> Settings:
    names = ("TELEMETRY__OTLP", "TELEMETRY__LOGS")
    given = {f"ORCHESTRATOR_{name}_ENDPOINT": endpoint for name in (*names, "OBSERVABILITY__OTLP")}
    return load({**IMAGE, **given, **{f"ORCHESTRATOR_{name}_PROTOCOL": protocol for name in names}})


@pytest.mark.parametrize("address", ["otel:4317", "localhost:4318", "otel.monitoring.svc:4317", "[::1]:4317"])
def test_telemetry_endpoint_may_be_host_and_port(address: str) -> None:
    found = telemetry(address, "http")
    assert found.telemetry.otlp_endpoint == found.telemetry.logs_endpoint == f"http://{address}"
    assert found.observability.otlp_endpoint == f"http://{address}"
    assert found.telemetry.otlp_protocol == found.telemetry.logs_protocol == "http/protobuf"


@pytest.mark.parametrize("address", ["otel", "otel:0", "otel:99999", "user:s3cret", "a b:1"])
def test_invalid_telemetry_endpoint_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(SettingsError, match=r"setting telemetry\.otlp_endpoint: must be") as caught:
        telemetry(address, "grpc")
    assert "s3cret" not in str(caught.value)


def test_duplicate_among_100000_keys_is_found_in_linear_time(tmp_path: Path) -> None:
    keys = ", ".join(f'"k{number % MANY}": "{number}"' for number in range(MANY + 1))
    with pytest.raises(SettingsError, match="AUTH__TOKENS: k0 is there twice"):
        load({**IMAGE, "ORCHESTRATOR_AUTH__TOKENS": f"{{{keys}}}"})
    file = tmp_path / "settings.yaml"
    file.write_text("auth: {tokens: {" + ", ".join(f"k{number % 5000}: x" for number in range(5001)) + "}}")
    with pytest.raises(SettingsError, match="k0 is there already, on line 1"):
        load({**IMAGE, "ORCHESTRATOR_CONFIG": str(file)})
