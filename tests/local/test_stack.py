"""All of it on one machine, for real: HTTP in, branches out; kubectl; what fails, and how it is told.

The functions are processes of functions-framework, agents are rehearsals in real git repositories.
"""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree
from typing import Any

import psutil
import pytest
import urllib3

from functions.cluster.errors import NotFound
from functions.cluster.kinds import JOB, POD, RUNS, SECRET
from functions.local.dev.repositories import Mirror, example, git
from functions.local.dev.stack import ROOT, Options, Stack
from functions.runs.lifecycle import states as lifecycle
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from functions.runs.model.run import Run, parse
from tests.agent.conftest import PARTS
from tests.agent.responses_server import Responses, runs, says, serving
from tests.support.fork_server import forked_functions

NAMESPACE = "orchestrator"
USER = "octocat"


OPENAI_KEY = "sk-codex-9a8b7c6d5e4f"


@pytest.fixture(scope="module")
def codex_model() -> Iterator[Responses]:
    """What Codex asks, if it is installed: it writes a file, and is done."""
    with serving(runs("echo 'print(1)' > hello.py"), says("wrote hello.py")) as model:
        yield model


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, codex_model: Responses) -> Iterator["Tried"]:
    folder = tmp_path_factory.mktemp("stack")
    templates = folder / "templates"
    copytree(ROOT / "templates", templates)
    _agent_cli(templates, "silent", "exit 0\n")
    _agent_cli(templates, "endless", f"sleep 300 & echo $! >>{folder}/children; wait\n")
    environ = {
        "PATH": f"{os.environ['PATH']}:{PARTS}",
        "OPENAI_API_KEY": OPENAI_KEY,
        "OPENAI_BASE_URL": codex_model.url,
        "REHEARSAL_SECONDS": "0.2",
        "REHEARSAL_LOG": str(folder / "starts"),
        "ORCHESTRATOR_TEMPLATES": str(templates),
        "ORCHESTRATOR_JOB__MAX_RETRIES": "0",
    }
    mirrors = folder / "mirrors"
    mirrors.mkdir()
    found = Stack(Options(folder / "state", sweep_seconds=1, environ=environ), [example(mirrors)])
    try:
        with forked_functions():
            found.start()
        yield Tried(found, example(mirrors), folder)
    finally:
        found.stop()


def _agent_cli(templates: Path, name: str, script: str) -> None:
    for kind in ("docs", "code"):
        (templates / name / kind).mkdir(parents=True)
        (templates / name / kind / "container.sh.j2").write_text(script)
        (templates / name / kind / "settings.json.j2").write_text("{}\n")
        for unused in ("agent_cli.py.j2", "prompt.md.j2"):  # required of every agent CLI, and not run by these scripts
            (templates / name / kind / unused).write_text("")


class Tried:
    """The stack under test, and what tests ask of it."""

    def __init__(self, stack: Stack, mirror: Mirror, folder: Path) -> None:
        self.stack = stack
        self.cluster = stack.cluster
        self.mirror = mirror
        self._starts = folder / "starts"
        self.children = folder / "children"

    def docs(self, **changes: Any) -> dict[str, Any]:
        base = {"repositoryUrl": self.mirror.url, "sourceBranch": "main", "githubUser": USER, "model": "claude-x"}
        return base | changes

    def code(self, **changes: Any) -> dict[str, Any]:
        base = {"repositoryUrl": self.mirror.url, "platformRepositoryUrl": self.mirror.url, "service": "shop"}
        return base | {"taskId": 1, "githubUser": USER, "model": "claude-x"} | changes

    def post(self, target: str, body: Any, key: str | None = None, **headers: str) -> tuple[int, Any]:
        given = {"Content-Type": "application/json", **headers} | ({"Idempotency-Key": key} if key else {})
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = urllib3.request(
            "POST", self.stack.functions[target], body=raw, headers=given, retries=False, timeout=30
        )
        return answer.status, json.loads(answer.data) if answer.data else None

    def submit(self, target: str, body: Any) -> str:
        code, answer = self.post(target, body, key=str(uuid.uuid4()))
        assert code == 201, answer
        return str(answer["data"]["name"])

    def run(self, kind: str, name: str) -> Run:
        return parse(self.cluster.get(RUNS[kind], NAMESPACE, name))

    def until(self, kind: str, name: str, wanted: Callable[[Run], bool], seconds: float = 60) -> Run:
        end = time.monotonic() + seconds
        while True:
            found = self.run(kind, name)
            if wanted(found):
                return found
            assert time.monotonic() < end, f"{name} is {found.status.phase}: {found.status.message}"
            time.sleep(0.1)

    def finished(self, kind: str, name: str, seconds: float = 60) -> Run:
        return self.until(kind, name, lambda run: lifecycle.state(run.status) in lifecycle.FINISHED, seconds)

    def starts(self, name: str) -> int:
        return sum(name in line for line in self._starts.read_text().splitlines()) if self._starts.exists() else 0

    def jobs(self, run: Run) -> list[Any]:
        owned = self.cluster.list(JOB, NAMESPACE, f"agents.platform/run={run.name}")
        return [job for job in owned if job["metadata"]["ownerReferences"][0]["uid"] == run.uid]


def reason(run: Run) -> str | None:
    return run.status.succeeded.reason if run.status.succeeded else None


def test_a_docs_run_ends_with_its_branch_pushed(stack: Tried) -> None:
    run = stack.finished("DocsRun", stack.submit("submit_docs", stack.docs()))
    assert (run.status.phase, reason(run)) == ("Succeeded", "Completed")
    branch = run.status.branch or ""
    changed = git(stack.mirror.path, "diff", "--name-only", f"main...{branch}").split()
    assert {f".taskmaster/docs/task-{number}/task.md" for number in (1, 2, 3)} <= set(changed)
    assert all(path.startswith(".taskmaster/docs/") for path in changed)
    assert stack.starts(run.name) == 1


def test_codex_works_where_it_is_installed_and_has_a_key_beside_the_rehearsal(
    stack: Tried, codex_model: Responses, program: Callable[[str, str], str]
) -> None:
    program(str(PARTS / "codex"), "make parts, with npm installed")
    spec = stack.code(service="codex", agentCli="codex", model="gpt-5.1-codex")
    run = stack.finished("CodeRun", stack.submit("submit_code", spec), seconds=120)
    assert (reason(run), stack.starts(run.name)) == ("Completed", 0), run.status.message
    assert git(stack.mirror.path, "show", f"{run.status.branch}:hello.py") == "print(1)\n"
    assert {request["headers"]["Authorization"] for request in codex_model.requests} == {f"Bearer {OPENAI_KEY}"}


def test_the_same_request_twice_is_one_run(stack: Tried) -> None:
    key, body = str(uuid.uuid4()), stack.code(service="twice")
    first, second = stack.post("submit_code", body, key), stack.post("submit_code", body, key)
    assert (first[0], second[0]) == (201, 200)
    assert first[1]["data"]["uid"] == second[1]["data"]["uid"]
    run = stack.finished("CodeRun", first[1]["data"]["name"])
    assert (run.status.phase, len(stack.jobs(run)), stack.starts(run.name)) == ("Succeeded", 1, 1)


@pytest.mark.timeout(180)
def test_twenty_requests_at_once_are_twenty_results(stack: Tried) -> None:
    bodies = [stack.code(service=f"many-{number}", taskId=1 + number % 3) for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        names = list(pool.map(lambda body: stack.submit("submit_code", body), bodies))
    assert len(set(names)) == 20
    runs = [stack.finished("CodeRun", name, seconds=150) for name in names]
    assert [reason(run) for run in runs] == ["Completed"] * 20
    assert [len(stack.jobs(run)) for run in runs] == [1] * 20
    assert [stack.starts(run.name) for run in runs] == [1] * 20
    assert all(stack.mirror.commits(run.status.branch or "", "main") for run in runs)


def test_a_script_that_ends_well_without_a_report_failed_and_says_so(stack: Tried) -> None:
    run = stack.finished("DocsRun", stack.submit("submit_docs", stack.docs(agentCli="silent")))
    assert (run.status.phase, reason(run)) == ("Failed", "NoReport")
    assert "no report" in (run.status.message or "")


def test_a_deadline_ends_the_attempt_with_its_children(stack: Tried) -> None:
    name = stack.submit("submit_docs", stack.docs(agentCli="endless"))
    run = stack.until("DocsRun", name, lambda run: run.status.phase == "Running")
    soon = {"spec": {"activeDeadlineSeconds": 2}}  # a Job's own deadline leaves its pod minutes to start
    stack.cluster.patch(JOB, NAMESPACE, run.status.job_name or "", soon)
    run = stack.finished("DocsRun", name)
    assert (run.status.phase, reason(run)) == ("Failed", "DeadlineExceeded")
    children = [int(pid) for pid in stack.children.read_text().split()]
    assert children
    states = [psutil.Process(pid).status() if psutil.pid_exists(pid) else "gone" for pid in children]
    assert set(states) <= {"gone", psutil.STATUS_ZOMBIE}, states


def test_a_missing_secret_is_named_and_the_run_goes_on_once_it_is_there(stack: Tried) -> None:
    name = stack.submit("submit_docs", stack.docs(githubUser="hubot"))
    run = stack.until("DocsRun", name, lambda run: reason(run) == "MissingSecret")
    assert "github-ssh-hubot" in (run.status.message or "")
    assert "ssh-privatekey" in (run.status.message or "")
    metadata = {"name": "github-ssh-hubot", "namespace": NAMESPACE}
    key = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"ssh-privatekey": "k\n"}}
    stack.cluster.create(SECRET, key)
    assert stack.finished("DocsRun", name, seconds=150).status.phase == "Succeeded"  # MIN_FIX_PAUSE is one minute


def test_a_cancelled_run_stops_its_agent(stack: Tried) -> None:
    name = stack.submit("submit_docs", stack.docs(agentCli="endless"))
    stack.until("DocsRun", name, lambda run: run.status.phase == "Running")
    stack.cluster.patch(RUNS["DocsRun"], NAMESPACE, name, {"spec": {"cancel": True}})
    run = stack.finished("DocsRun", name)
    assert (run.status.phase, len(stack.jobs(run))) == ("Cancelled", 1)


def test_a_running_run_is_deleted_with_everything_it_made(stack: Tried) -> None:
    name = stack.submit("submit_docs", stack.docs(agentCli="endless"))
    run = stack.until("DocsRun", name, lambda run: run.status.phase == "Running")
    stack.cluster.delete(RUNS["DocsRun"], NAMESPACE, name, run.uid)
    end = time.monotonic() + 60
    while stack.jobs(run) or list(stack.cluster.list(POD, NAMESPACE, f"job-name={run.status.job_name}")):
        assert time.monotonic() < end, "the Job or its pod is still there"
        time.sleep(0.1)
    with pytest.raises(NotFound):
        stack.run("DocsRun", name)


HOSTILE = [
    ("branch", "a-$(touch${IFS}pwned)-`id`-'q'-\"d\""),
    ("workingDirectory", "d $(touch pwned) `touch pwned` 'q' \"d\" {{7*7}}"),
    ("promptModification", "$(touch pwned)\n`touch pwned`\n'q' \"d\" {{7*7}} {% include 'x' %} \\ end"),
]


@pytest.mark.parametrize(("field", "value"), HOSTILE, ids=[field for field, _ in HOSTILE])
def test_hostile_text_arrives_as_text_and_nothing_of_it_is_executed(stack: Tried, field: str, value: str) -> None:
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


def test_bad_input_gets_its_answer_from_every_function_and_creates_nothing(stack: Tried) -> None:
    before = {kind: len(list(stack.cluster.list(RUNS[kind], NAMESPACE))) for kind in RUNS}
    for target, url in stack.stack.functions.items():
        assert urllib3.request("PUT", url, body=b"{}", retries=False, timeout=30).status == 405
        assert urllib3.request("GET", url, retries=False, timeout=30).status == 405
        assert urllib3.request("GET", f"{url}/health", retries=False, timeout=30).json()["status"] == "ok"
        huge = stack.post(target, b" " * 10_000_000)
        assert huge[0] == 413
        if target == "sweep":  # it takes no input
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
def kubectl(stack: Tried, program: Callable[[str, str], str]) -> Callable[..., str]:
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
def test_kubectl_starts_shows_waits_for_and_deletes_a_run(stack: Tried, kubectl: Any, kind: str) -> None:
    name = f"by-hand-{kind.lower()}"
    spec = stack.docs() if kind == "DocsRun" else stack.code(service="by-hand")
    kubectl("apply", "--filename", "-", text=manifest(kind, name, spec))
    kubectl("wait", "--for=condition=Succeeded", f"{kind.lower()}/{name}", "--timeout=60s")
    assert "Succeeded" in kubectl("get", f"{kind.lower()}s", name)
    assert "Succeeded" in kubectl("get", "agents", "--output=wide")
    described = kubectl("describe", kind.lower(), name)
    assert "Completed" in described
    assert "attempt 1 is running" in described, "its Events are shown"
    assert "[rehearsal]" in kubectl("logs", "--selector", f"agents.platform/run={name}", "--tail=-1")
    kubectl("delete", kind.lower(), name, "--timeout=30s")
    assert "not found" in kubectl("get", kind.lower(), name, ok=False)


def test_kubectl_shows_the_field_of_an_invalid_run(stack: Tried, kubectl: Any) -> None:
    wrong = manifest("CodeRun", "wrong", stack.code(taskId=0))
    assert "spec.taskId" in kubectl("apply", "--filename", "-", text=wrong, ok=False)
    assert "not found" in kubectl("get", "coderun", "wrong", ok=False)


def test_kubectl_patches_and_watches(stack: Tried, kubectl: Any) -> None:
    spec = stack.docs(agentCli="endless")
    kubectl("apply", "--filename", "-", text=manifest("DocsRun", "patched", spec))
    kubectl("wait", "--for=jsonpath={.status.phase}=Running", "docsrun/patched", "--timeout=60s")
    kubectl("patch", "docsrun", "patched", "--type=merge", "--patch", '{"spec": {"cancel": true}}')
    kubectl("wait", "--for=condition=Succeeded=false", "docsrun/patched", "--timeout=60s")
    server = ["--server", stack.stack.url, "--namespace", NAMESPACE]
    watching = ["kubectl", *server, "get", "docsruns", "patched", "--watch", "--request-timeout=2s"]
    seen = subprocess.run(watching, capture_output=True, text=True, timeout=30, check=False).stdout
    assert "Cancelled" in seen


def test_the_console_shows_a_run_with_its_diff(stack: Tried) -> None:
    name = stack.submit("submit_docs", stack.docs())
    run = stack.finished("DocsRun", name)
    for path, contains in (("/", name), (f"/runs/docs/{name}", "rehearsal"), (f"/runs/docs/{name}/diff", "task.md")):
        page = urllib3.request("GET", f"{stack.stack.console_url}{path}", retries=False, timeout=30)
        assert (page.status, contains in page.data.decode()) == (200, True), run.status.message
