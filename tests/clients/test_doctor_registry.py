"""`orchestrator doctor` checks the agent image in its registry with the pull secrets that nodes use."""

import base64
import json

import pytest

from tests.clients.doctor_bench import CORE, IMAGE, Bench, secret

TOKEN = 'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:agent:pull"'
PASSWORD = base64.b64encode(b"puller:s3cret").decode()
PULL_SECRET = secret("pull")
PULL_SECRET["data"] = {
    ".dockerconfigjson": base64.b64encode(
        json.dumps({"auths": {"registry.example": {"username": "puller", "password": "s3cret"}}}).encode()
    ).decode()
}


@pytest.mark.parametrize(
    ("challenge", "password", "has_secret", "state"),
    [
        (TOKEN, "", False, "ok"),
        (TOKEN, PASSWORD, True, "ok"),
        ('Basic realm="registry"', PASSWORD, True, "ok"),
        (TOKEN, PASSWORD, False, "unknown"),
        (TOKEN, "another", True, "problem"),
        ('Basic realm="registry"', "another", True, "problem"),
        (TOKEN.replace("https", "http"), PASSWORD, True, "problem"),
    ],
    ids=["public", "private", "private, basic", "no Secret", "refused", "refused, basic", "plain text"],
)
def test_the_image_check_uses_the_registrys_authentication(
    bench: Bench, challenge: str, password: str, *, has_secret: bool, state: str
) -> None:
    bench.web.challenge, bench.web.password = challenge, password
    if has_secret:
        bench.api.answers[f"{CORE}/secrets/pull"] = PULL_SECRET
        bench.settings["agent"] = {**IMAGE, "pull_secrets": ["pull"]}
    findings = bench.findings()
    assert {each.state for each in findings if each.check == "image"} == {state}
    assert "s3cret" not in str(findings)
    sent = {url for url, headers in bench.web.sent if PASSWORD in headers.get("Authorization", "")}
    assert all(url.split()[1].startswith(("https://registry.example/", "https://auth.example/")) for url in sent)
