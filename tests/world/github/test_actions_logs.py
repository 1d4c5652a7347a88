"""The prompt of a retry contains the end of the log of a failed job of GitHub Actions."""

import pytest

from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.github import payloads

COMMIT = "d" * 40


def failed_job(bench: DeliveryBench, log: str | None, slug: str = "github-actions") -> Object:
    """Return the event of a failed Actions check on a run's last commit, whose URL names workflow run and job."""
    run, _ = bench.with_pull(commit=COMMIT)
    bench.shop.branches[run.status.branch or ""] = COMMIT
    payload = payloads.check_run(bench.shop, run.status.branch or "", name="build", app=slug, head_sha=COMMIT)
    check = payload["check_run"]
    check["details_url"] = f"{bench.shop.html_url}/actions/runs/77/job/{check['id']}"
    bench.shop.checks[check["id"]] = check
    if log is not None:
        bench.shop.job_logs[check["id"]] = log
    return payload


def prompt(bench: DeliveryBench, payload: Object) -> str:
    assert bench.deliver("check_run", payload).code == 204
    return bench.prompt()


LOG = """\
2026-01-02T03:04:05.1234567Z ##[group]Run make test
2026-01-02T03:04:05.1234567Z \x1b[36;1mmake test\x1b[0m
2026-01-02T03:04:06.1234567Z E   assert basket.total == 3
2026-01-02T03:04:06.1234567Z ##[error]Process completed with exit code 1.
2026-01-02T03:04:07.1234567Z Post job cleanup.
2026-01-02T03:04:07.1234567Z Cleaning up orphan processes
"""


def test_prompt_has_the_log_lines_up_to_the_error(bench: DeliveryBench) -> None:
    words = prompt(bench, failed_job(bench, LOG))
    assert "make test\nE   assert basket.total == 3\n##[error]Process completed with exit code 1." in words
    assert "orphan" not in words
    assert "\x1b" not in words
    assert "2026-01-02T03" not in words


def test_prompt_has_only_the_end_of_a_long_log(bench: DeliveryBench) -> None:
    line = "2026-01-02T03:04:05.1234567Z compiling something of no interest\n"
    words = prompt(bench, failed_job(bench, line * 300_000 + LOG))
    assert "assert basket.total == 3" in words
    assert len(words) < 12_000


SECRETS = {
    "token": "ghs_" + "a1B2" * 9,
    "fine-grained": "github_pat_" + "a1B2" * 10,
    "API key": "sk-ant-api03-" + "a1B2" * 8,
    "AWS key": "AKIA" + "ABCD1234" * 2,
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9mLWl0",
    "password in a URL": "hunter2hunter2",
    "header": "c2VjcmV0OnNlY3JldA==",
    "assignment": "correct-horse-battery",
    "key": "MIIEowIBAAKCAQEA7bq",
}


def test_secrets_in_a_log_are_redacted(bench: DeliveryBench) -> None:
    lines = [
        *(SECRETS[name] for name in ("token", "fine-grained", "API key", "AWS key", "JWT")),
        f"cloning https://bot:{SECRETS['password in a URL']}@git.example/shop.git",
        f"Authorization: Basic {SECRETS['header']}",
        f"DB_PASSWORD={SECRETS['assignment']}",
        "-----BEGIN RSA PRIVATE KEY-----",
        SECRETS["key"],
        "-----END RSA PRIVATE KEY-----",
        "##[error]exit code 1",
    ]
    log = "".join(f"2026-01-02T03:04:05.1234567Z {line}\n" for line in lines)
    words = prompt(bench, failed_job(bench, log))
    assert "##[error]exit code 1" in words
    assert [name for name, secret in SECRETS.items() if secret in words] == []


def test_missing_log_does_not_prevent_the_retry(bench: DeliveryBench) -> None:
    payload = failed_job(bench, None)
    assert "The check build failed" in prompt(bench, payload)
    assert len(bench.github.asked("/actions/jobs/")) == 1


@pytest.mark.parametrize("status", [403, 410])
def test_refused_log_does_not_prevent_the_retry(bench: DeliveryBench, status: int) -> None:
    payload = failed_job(bench, LOG)
    body = {"message": "Resource not accessible by integration"}
    bench.github.fails("GET .*/actions/jobs/", status, body=body)
    assert "The check build failed" in prompt(bench, payload)


def test_log_is_requested_again_when_github_is_busy(bench: DeliveryBench) -> None:
    payload = failed_job(bench, LOG)
    bench.github.fails("GET .*/actions/jobs/", 503)
    assert bench.deliver("check_run", payload).code == 503
    assert "assert basket.total == 3" in prompt(bench, payload)


def test_log_of_another_apps_check_is_not_requested(bench: DeliveryBench) -> None:
    prompt(bench, failed_job(bench, LOG, slug="ci"))
    assert bench.github.asked("/actions/jobs/") == []
