"""External input of a stack: hostile text, invalid requests, kubectl."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from functions.cluster.kinds import RUNS
from functions.local.dev.repositories import git
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from tests.local.stack_bench import NAMESPACE, StackBench

HOSTILE = [
    ("branch", "a-$(touch${IFS}pwned)-`id`-'q'-\"d\""),
    ("workingDirectory", "d $(touch pwned) `touch pwned` 'q' \"d\" {{7*7}}"),
    ("promptModification", "$(touch pwned)\n`touch pwned`\n'q' \"d\" {{7*7}} {% include 'x' %} \\ end"),
]


@pytest.mark.parametrize(("field", "value"), HOSTILE, ids=[field for field, _ in HOSTILE])
def test_hostile_text_reaches_the_agent_verbatim_and_is_not_executed(stack: StackBench, field: str, value: str) -> None:
    service = f"hostile-{field.lower()[:6]}"
    if field == "branch":
        git(stack.mirror.path, "branch", "--force", value, "main")
    body = stack.code(service=service, **{field: value})
    name = stack.submit("submit_code", body)
    run = stack.finished("CodeRun", name)
    assert isinstance(run.spec, CodeRunSpec | DocsRunSpec)
    assert run.raw["spec"][field] == value
    assert not list(stack.stack.state.rglob("pwned*"))
    if field != "workingDirectory":
        assert run.status.phase == "Succeeded", run.status.message


def test_every_function_refuses_invalid_input_and_creates_no_object(stack: StackBench) -> None:
    before = {kind: len(list(stack.cluster.list(RUNS[kind], NAMESPACE))) for kind in RUNS}
    for target, url in stack.stack.functions.items():
        assert urllib3.request("PUT", url, body=b"{}", retries=False, timeout=30).status == 405
        assert urllib3.request("GET", url, retries=False, timeout=30).status == 405
        assert urllib3.request("GET", f"{url}/health", retries=False, timeout=30).json()["status"] == "ok"
        huge = stack.post(target, b" " * 10_000_000)
        assert huge[0] == 413
        if target == "sweep":  # sweep takes no input
            continue
        for body in (b"", b'{"a": ', b"[]", b'"x"', b"\xff\xfe", b"{}"):
            code, answer = stack.post(target, body)
            assert (code, answer["success"]) == (400, False)
            assert answer["errors"]
            assert "Traceback" not in json.dumps(answer)
        event = {"ce-id": "1", "ce-source": "s", "ce-specversion": "1.0", "ce-type": "unknown.v1"}
        assert stack.post(target, {"kind": "CodeRun"}, **event) == (204, None)
    assert stack.post("submit_docs", stack.docs(surprise=1))[0] == 400
    assert stack.post("submit_code", stack.code(taskId="1"))[0] == 400
    assert before == {kind: len(list(stack.cluster.list(RUNS[kind], NAMESPACE))) for kind in RUNS}


@pytest.fixture
def kubectl(stack: StackBench, program: Callable[[str, str], str]) -> Callable[..., str]:
    path = program("kubectl", "see kubernetes.io, Install Tools")

    def run(*arguments: str, text: str | None = None, ok: bool = True) -> str:
        server = ["--server", stack.stack.url, "--namespace", NAMESPACE]
        done = subprocess.run(
            [path, *server, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode == 0) is ok, done.stderr
        return done.stdout if ok else done.stderr

    return run


def manifest(kind: str, name: str, spec: dict[str, Any]) -> str:
    item = {"apiVersion": "agents.platform/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    return json.dumps(item)


@pytest.mark.parametrize("kind", ["DocsRun", "CodeRun"])
def test_kubectl_creates_shows_waits_for_and_deletes_a_run(stack: StackBench, kubectl: Any, kind: str) -> None:
    name = f"by-hand-{kind.lower()}"
    spec = stack.docs() if kind == "DocsRun" else stack.code(service="by-hand")
    kubectl("apply", "--filename", "-", text=manifest(kind, name, spec))
    kubectl("wait", "--for=condition=Succeeded", f"{kind.lower()}/{name}", "--timeout=60s")
    assert "Succeeded" in kubectl("get", f"{kind.lower()}s", name)
    assert "Succeeded" in kubectl("get", "agents", "--output=wide")
    described = kubectl("describe", kind.lower(), name)
    assert "Completed" in described
    assert "attempt 1 is running" in described, "describe shows the run's Events"
    assert "[rehearsal]" in kubectl("logs", "--selector", f"agents.platform/run={name}", "--tail=-1")
    kubectl("delete", kind.lower(), name, "--timeout=30s")
    assert "not found" in kubectl("get", kind.lower(), name, ok=False)


def test_kubectl_shows_the_field_of_an_invalid_run(stack: StackBench, kubectl: Any) -> None:
    wrong = manifest("CodeRun", "wrong", stack.code(taskId=0))
    assert "spec.taskId" in kubectl("apply", "--filename", "-", text=wrong, ok=False)
    assert "not found" in kubectl("get", "coderun", "wrong", ok=False)


def test_kubectl_patches_and_watches(stack: StackBench, kubectl: Any) -> None:
    spec = stack.docs(agentCli="endless")
    kubectl("apply", "--filename", "-", text=manifest("DocsRun", "patched", spec))
    kubectl("wait", "--for=jsonpath={.status.phase}=Running", "docsrun/patched", "--timeout=60s")
    kubectl("patch", "docsrun", "patched", "--type=merge", "--patch", '{"spec": {"cancel": true}}')
    kubectl("wait", "--for=condition=Succeeded=false", "docsrun/patched", "--timeout=60s")
    server = ["--server", stack.stack.url, "--namespace", NAMESPACE]
    watching = ["kubectl", *server, "get", "docsruns", "patched", "--watch", "--request-timeout=2s"]
    seen = subprocess.run(watching, capture_output=True, text=True, timeout=30, check=False).stdout
    assert "Cancelled" in seen
