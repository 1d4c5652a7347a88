"""Settings that could never work are refused at start, by their key, with the valid form.

The largest allowed values are accepted and do not overflow.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.manifests import attempt
from functions.runs.lifecycle.retries import MAX_BACKOFF
from functions.runs.model.limits import MOST
from functions.runs.model.quantity import thousandths
from functions.serving.dependencies import Dependencies
from functions.settings.errors import SettingsError
from functions.settings.job import Resources
from functions.settings.loading import load
from functions.settings.types import URL
from tests.support.builders import NOW, run, settings, with_attempt

NAME = "lower case letters, digits"
DAYS = "less than or equal to 36500"
YEAR = "less than or equal to 31536000"
BYTES = "must be an amount of bytes, such as 512Mi or 4Gi"
CPU = "must be an amount of CPU, such as 500m or 2"
IMAGE = "must be the repository of an image in lower case"
TAG = "must be the tag of an image"
SECRET = "must be the name of a Kubernetes Secret"
HEADER = "the token of ci has a line break"
WEEK = "less than or equal to 604800"

REFUSED: list[tuple[str, Any, str]] = [
    *(("retention.succeeded_days", value, DAYS) for value in ("inf", "nan", "1e8", "1e400", 36_501, 10**30)),
    ("retention.succeeded_days", "-1", "greater than or equal to 0"),
    ("retention.succeeded_days", "null", "a valid number"),
    ("retention.otherwise_days", "inf", DAYS),
    ("retention.tombstone_days", "1e8", DAYS),
    ("retention.tombstone_days", "6", "greater than or equal to 7"),
    ("retention.workspace_days", "inf", DAYS),
    ("retention.workspace_days", "0", "greater than or equal to 1"),
    ("job.backoff", 10**15, "less than or equal to 600"),
    ("job.pending_wait", 10**17, YEAR),
    ("job.pending_wait", 5000 * "9", "exceeded maximum size"),
    ("job.pending_wait", "0", "greater than or equal to 1"),
    ("job.code_deadline", 10**9, WEEK),
    ("job.docs_deadline", 604_801, WEEK),
    ("job.ttl_after_finished", 2**31, "less than or equal to 2147483647"),
    ("cluster.timeout", "inf", "less than or equal to 300"),
    ("limits.runs", 10**9, "less than or equal to 2000"),
    *(("namespace", value, NAME) for value in ("Bad NS", "a.b", "-a", "kube_system", "a\n")),
    ("namespace", "", "must have 1 to 63 characters"),
    ("namespace", "n" * 64, "must have 1 to 63 characters"),
    *(("agent.image", value, IMAGE) for value in ("", "a b", "Agents/Agent:1", "r.example/a:1", "https://r.example/a")),
    ("agent.image", "r.example/a@sha256:" + 64 * "0", IMAGE),
    *(("agent.tag", value, TAG) for value in ("", "x y", ":1", "-1", "t" * 129, "@sha256:" + 64 * "0", "1@sha256:0")),
    ("agent.pull_secrets", ["Bad Name"], SECRET),
    *(("secrets.api_key_secret_name", value, SECRET) for value in ("", "Bad name", "a..b", "a.", "s" * 254)),
    ("secrets.api_key_secret_key", "a key", "must be a key of a Kubernetes Secret"),
    ("secrets.allowed", ["A B"], SECRET),
    ("secrets.api_keys", {"codex": {"secret": "A B", "env": "OPENAI_API_KEY"}}, SECRET),
    ("secrets.api_keys", {"Codex": {"secret": "a", "env": "OPENAI_API_KEY"}}, "must be a directory of templates/"),
    ("secrets.api_keys", {"claude": {"secret": "a", "env": "A_API_KEY"}}, "set secrets.api_key_secret_name"),
    *(("job.workspace_size", value, BYTES) for value in ("", "0", "0Gi", "10", "512m", "-1Gi", "1 Gi", "1GB", "9Ei")),
    *(
        ("job.workspace_size", value, BYTES)
        for value in ("1.Gi", ".5Gi", "1e3Mi", "infGi", "nanGi", "¹Gi", "1KM", "9" * 400)
    ),
    ("job.requests", {"cpu": "1Gi", "memory": "1Gi"}, CPU),
    ("job.requests", {"cpu": "0", "memory": "1Gi"}, CPU),
    ("job.requests", {"cpu": 0.0001, "memory": "1Gi"}, CPU),
    ("job.requests", {"cpu": True, "memory": "1Gi"}, "a valid string"),
    ("job.limits", {"cpu": "2", "memory": "256m"}, BYTES),
    (
        "job.limits",
        {"cpu": "50m", "memory": "4Gi"},
        "requests.cpu (100m) is above limits.cpu (50m); lower the request",
    ),
    ("job.requests", {"cpu": "1", "memory": "4097Mi"}, "requests.memory (4097Mi) is above limits.memory (4Gi)"),
    ("job.workspace_class", "A B", f"must be the name of a StorageClass: {NAME}"),
    ("limits.kueue_queue", "A B", "must be the name of a LocalQueue"),
    ("limits.kueue_queue", "q" * 64, "of 63 characters at most"),
    *(("queues.url", value, URL) for value in ("foo", "ftp://a", "http://", "http:///a", "http://a b", "http://a:x")),
    *(("queues.url", value, URL) for value in ("http://a:99999", "http://a:0", "http://[a", "http://a\n", "http://é")),
    ("queues.endpoints", {"reconcile": "foo"}, URL),
    ("queues.push_identity", "somebody", "must be the e-mail address"),
    ("observability.otlp_endpoint", "localhost", URL),
    ("observability.project", "Not A Project", "must be the id of a Google Cloud project"),
    ("telemetry.otlp_endpoint", "not a url", URL),
    ("telemetry.logs_endpoint", "otel:4317/v1", URL),
    ("telemetry.otlp_protocol", "https", "'http/protobuf' or 'http/json'"),
    ("telemetry.enabled", "true", "set telemetry.otlp_endpoint too"),
    ("tools.server_url", "tools", URL),
    ("models.code", "", "must have 1 to 256 characters"),
    ("models.docs", "a model", "must be a model's name"),
    ("auth.tokens", {"ci": ""}, "the token of ci is empty"),
    *(
        ("auth.tokens", {"ci": value}, HEADER)
        for value in (" ", "s3cret\n", " s3cret", "s3cret ", "s3\ncret", "s3crét")
    ),
]

TAKEN: list[tuple[str, Any]] = [
    ("retention.succeeded_days", 36_500),
    ("retention.succeeded_days", 0.5),
    ("job.backoff", 600),
    ("job.pending_wait", 31_536_000),
    ("job.code_deadline", 604_800),
    ("cluster.timeout", 300),
    ("limits.runs", MOST),
    ("namespace", "5"),
    ("agent.image", "agent"),
    ("agent.image", "localhost:5000/agent"),
    ("agent.image", "[::1]:5000/a__b/c-d.e"),
    ("agent.image", "europe-west4-docker.pkg.dev/acme/agents/agent"),
    ("agent.tag", "1.0_a-B"),
    ("agent.tag", "1@sha256:" + 64 * "0"),
    ("agent.pull_secrets", ["reg.example", "5"]),
    ("secrets.api_key_secret_key", "API_KEY.txt"),
    ("job.workspace_size", "0.5Gi"),
    ("job.workspace_size", "1073741824"),
    ("job.limits", {"cpu": 2, "memory": 4_000_000_000}),
    ("job.requests", {"cpu": "2000m", "memory": "4096Mi"}),
    ("job.workspace_class", ""),
    ("limits.kueue_queue", "team.agents"),
    ("queues.url", "http://me:pass@[::1]:8080/queue"),
    ("queues.project", "example.com:my-project"),
    ("tools.server_url", ""),
    ("auth.tokens", {"ci": "a1-._~+/=="}),
]


def given(key: str, value: Any) -> dict[str, str]:
    text = value if isinstance(value, str) else json.dumps(value)
    return {
        "ORCHESTRATOR_AGENT__IMAGE": "i",
        "ORCHESTRATOR_BROKER__IMAGE": "i",
        f"ORCHESTRATOR_{key.replace('.', '__').upper()}": text,
    }


@pytest.mark.parametrize(("key", "value", "problem"), REFUSED, ids=lambda each: str(each)[:30] if each else "empty")
def test_an_impossible_value_is_refused_by_its_key_with_the_valid_form(key: str, value: Any, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(given(key, value))
    (line,) = str(caught.value).split("\n")
    named = line.removeprefix("setting ").split(":")[0]
    assert named.startswith(key) or (key.split(".")[0] == named and key.split(".")[1] in line), line
    assert problem in line
    assert "s3cr" not in line


@pytest.mark.parametrize(("key", "value"), TAKEN, ids=lambda each: str(each)[:30])
def test_the_largest_valid_value_is_accepted(key: str, value: Any) -> None:
    section, _, name = key.rpartition(".")
    found = load(given(key, value))
    shown = getattr(getattr(found, section) if section else found, name)
    if isinstance(shown, Resources):
        assert shown.quantities == {unit: str(amount) for unit, amount in value.items()}
    else:
        assert shown == value


def test_the_longest_durations_do_not_overflow_dates() -> None:
    longest = settings(
        retention=dict.fromkeys(("succeeded_days", "otherwise_days", "tombstone_days", "workspace_days"), 36_500),
        job={"backoff": 600, "pending_wait": 31_536_000, "code_deadline": 604_800, "ttl_after_finished": 2**31 - 1},
    )
    services = Dependencies(longest, None, lambda: NOW, None, None)  # type: ignore[arg-type]
    kept, policy, late = services.retention, services.policy, datetime(2200, 1, 1, tzinfo=UTC)
    for each in (kept.succeeded, kept.otherwise, kept.task_files, kept.tombstones, kept.workspaces):
        assert each is not None
        assert late + each > late
    assert late + policy.pending_wait + policy.backoff * 2**10 > late
    job = attempt.job(with_attempt(run()), longest)["spec"]
    assert 0 < job["activeDeadlineSeconds"] < 2**31
    assert job["ttlSecondsAfterFinished"] < 2**31


def test_the_longest_back_off_is_a_valid_setting() -> None:
    assert settings(job={"backoff": MAX_BACKOFF.total_seconds()}).job.backoff == 600


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500m", 500),
        ("2", 2000),
        ("0.7", 700),
        ("700m", 700),
        ("1k", 10**6),
        ("1Ki", 1_024_000),
        ("1.1G", 1100 * 10**9),
    ],
)
def test_quantities_are_counted_in_thousandths(text: str, expected: int) -> None:
    assert thousandths(text) == expected
