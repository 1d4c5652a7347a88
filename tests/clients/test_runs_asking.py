"""`orchestrator runs retry` and `runs cancel`, on an embedded API server.

an eligible run                        the spec is patched; the result is printed, as text and as JSON
a run that is not eligible             nothing is changed; the reason, and what to do instead; exit code 1
a message by option, file or stdin     verbatim in the spec; an empty or too long one is refused; exit code 2
a run that changes concurrently        read and patched again
a lost answer                          repeated with the same key: one retry
an unreachable server                  given up after a few tries; exit code 3
an admission webhook                   repeated while it is down; its denial is final, and no matter of rights
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.clients.errors import CommandError
from functions.clients.errors import Unavailable as GivenUp
from functions.clients.runs import requests
from functions.clients.runs.lookup import find
from functions.clients.runs.target import ClusterTarget as Where
from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, Unavailable, from_status
from functions.cluster.kinds import CODE_RUN, DOCS_RUN
from functions.cluster.transport import Request
from tests.clients.conftest import CommandLine, Functions
from tests.clients.place import Namespace, ended
from tests.support.kubeconfigs import transport_of


def spec(namespace: Namespace, name: str) -> dict[str, Any]:
    found: dict[str, Any] = namespace.functions.cluster.get(CODE_RUN, namespace.name, name)["spec"]
    return found


def test_a_finished_code_run_is_retried_with_a_message(namespace: Namespace) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError", contextVersion=1))
    done = namespace.runs("retry", "api-1", "--message", "Use `new` $(API)")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"CodeRun api-1 in {namespace.name} is asked to try again (contextVersion 2)")
    found = spec(namespace, "api-1")
    assert (found["contextVersion"], found["promptModification"], found["promptMode"]) == (
        2,
        "Use `new` $(API)",
        "append",
    )


def test_a_retry_without_message_keeps_the_original_prompt(namespace: Namespace) -> None:
    status = ended("Failed", "AgentError", contextVersion=4)
    namespace.put("api-1", status=status, promptModification="of before", contextVersion=4)
    assert namespace.runs("retry", "api-1").code == 0
    assert (spec(namespace, "api-1")["contextVersion"], "promptModification" in spec(namespace, "api-1")) == (5, False)


def test_a_message_is_read_from_a_file_or_standard_input(namespace: Namespace, tmp_path: Path) -> None:
    for name in ("file", "stdin"):
        namespace.put(name, status=ended("Cancelled", "Cancelled"), service=name)
    (tmp_path / "words").write_text("# Über\n\n'quoted'\n")
    assert namespace.runs("retry", "file", "--message-file", str(tmp_path / "words"), "--replace").code == 0
    assert (spec(namespace, "file")["promptModification"], spec(namespace, "file")["promptMode"]) == (
        "# Über\n\n'quoted'\n",
        "replace",
    )
    assert namespace.typed("typed words", "retry", "stdin", "--message-file", "-").code == 0
    assert spec(namespace, "stdin")["promptModification"] == "typed words"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--message", " "), "--message: is empty"),
        (("--message", "x" * 32_001), "--message: must have 0 to 32000 characters"),
        (("--message", "x", "--message-file", "y"), "not both"),
        (("--message-file", "/nowhere/words"), "--message-file: cannot read /nowhere/words"),
        (("--replace",), "--replace: give the new prompt"),
    ],
)
def test_an_invalid_message_is_refused_before_any_request(
    namespace: Namespace, options: tuple[str, ...], named: str
) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError"))
    refused = namespace.runs("retry", "api-1", *options)
    assert (refused.code, refused.out) == (2, "")
    assert named in refused.err
    assert spec(namespace, "api-1")["contextVersion"] == 1


def test_a_run_is_cancelled_once(namespace: Namespace) -> None:
    namespace.put("api-1", status={"phase": "Running"})
    first, second = namespace.runs("cancel", "api-1"), namespace.runs("cancel", "api-1", "-o", "json")
    assert "CodeRun api-1" in first.out
    assert "is asked to stop" in first.out
    assert (second.code, second.json["spec"]["cancel"]) == (0, True)
    namespace.put("api-2", status=ended("Cancelled", "Cancelled"), cancel=True)
    ended_before = "has already ended; see how with: orchestrator runs get api-2"
    assert ended_before in namespace.runs("cancel", "api-2").out
    namespace.put("docs-1", "DocsRun")
    assert namespace.runs("cancel", "docs/docs-1").code == 0
    assert namespace.functions.cluster.get(DOCS_RUN, namespace.name, "docs-1")["spec"]["cancel"] is True


@pytest.mark.parametrize(
    ("command", "kind", "status", "why"),
    [
        ("retry", "CodeRun", {"phase": "Running"}, "is not finished (Running); wait for its end, or cancel it"),
        ("retry", "DocsRun", ended("Failed", "NoReport"), "submit it again instead"),
        (
            "cancel",
            "CodeRun",
            ended("Succeeded", "Completed"),
            "already finished (Succeeded); there is nothing to stop",
        ),
    ],
)
def test_an_impossible_request_is_refused_with_advice(
    namespace: Namespace, command: str, kind: str, status: Any, why: str
) -> None:
    before = namespace.put("run-1", kind, status)
    refused = namespace.runs(command, "run-1")
    assert (refused.code, refused.out, why in refused.err) == (1, "", True), refused.err
    after = namespace.functions.cluster.get(DOCS_RUN if kind == "DocsRun" else CODE_RUN, namespace.name, "run-1")
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_retry_and_cancel_work_as_processes(namespace: Namespace, cli: CommandLine) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError"))
    where = ("--kubeconfig", str(namespace.functions.kubeconfig), "-n", namespace.name)
    assert cli("runs", "retry", "api-1", *where, "-o", "json").json["spec"]["contextVersion"] == 2
    stopped = cli("runs", "cancel", "api-1", *where)
    assert (stopped.code, "is asked to stop" in stopped.out) == (0, True), "the retry has not begun yet"
    assert "runs watch api-1" in stopped.out
    assert cli("runs", "retry", "api-1", *where, "-o", "json").json["spec"]["contextVersion"] == 3
    assert cli("runs", "retry", "api-1", *where).code == 1


class Disturbed:
    """A transport that calls `before` ahead of each patch; the first `losing` raise after the patch was applied."""

    def __init__(
        self,
        functions: Functions,
        before: Callable[[], object],
        losing: int = 0,
        refusing: int = 0,
        error: Callable[[], ClusterError] = lambda: Unavailable("nobody there"),
    ) -> None:
        self._inner = transport_of(functions.kubeconfig)
        self._before, self._losing, self._refusing, self._error = before, losing, refusing, error
        self.patches = 0

    def send(self, request: Request) -> Any:
        if request.method != "PATCH":
            return self._inner.send(request)
        self.patches += 1
        if self.patches <= self._refusing:
            raise self._error()
        self._before()
        answer = self._inner.send(request)
        if self.patches <= self._losing:
            raise Unavailable("the connection was cut")
        return answer

    def stream(self, request: Request) -> Iterator[Any]:
        return self._inner.stream(request)


def retried(namespace: Namespace, transport: Disturbed) -> None:
    pauses: list[float] = []
    where = Where(Cluster(transport), namespace.name)
    requests.retry(where, find(where, "api-1"), "again", pause=pauses.append)
    assert len(pauses) == transport.patches - 1


def test_a_run_that_changed_concurrently_is_read_and_patched_again(namespace: Namespace) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError"))
    changes = iter([{"a": "1"}, {"b": "2"}])

    def change() -> None:
        for labels in changes:
            namespace.functions.cluster.patch(CODE_RUN, namespace.name, "api-1", {"metadata": {"labels": labels}})
            return

    transport = Disturbed(namespace.functions, change)
    retried(namespace, transport)
    assert (transport.patches, spec(namespace, "api-1")["contextVersion"]) == (3, 2)


def test_a_retry_whose_answer_is_lost_is_one_retry(namespace: Namespace) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError"))
    transport = Disturbed(namespace.functions, lambda: None, losing=1)
    where = Where(Cluster(transport), namespace.name)
    run = requests.retry(where, find(where, "api-1"), "again", pause=lambda _: None)
    assert (transport.patches, requests.context_version(run), spec(namespace, "api-1")["contextVersion"]) == (1, 2, 2)


def test_a_request_is_repeated_until_the_server_is_back(namespace: Namespace) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError"))
    retried(namespace, Disturbed(namespace.functions, lambda: None, refusing=3))
    assert spec(namespace, "api-1")["contextVersion"] == 2


def test_a_request_to_an_unreachable_server_is_given_up(namespace: Namespace) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError"))
    transport = Disturbed(namespace.functions, lambda: None, refusing=100)
    where = Where(Cluster(transport), namespace.name)
    with pytest.raises(GivenUp, match="nobody there"):
        requests.retry(where, find(where, "api-1"), None, pause=lambda _: None)
    assert transport.patches == requests.TRIES


DOWN = 'Internal error occurred: failed calling webhook "runs.example": connect: connection refused'
DENIED = 'admission webhook "runs.example" denied the request: not on Fridays'


@pytest.mark.parametrize(
    ("code", "words", "patches", "remedy"),
    [(500, DOWN, requests.TRIES, "is down"), (403, DENIED, 1, "ask who runs the webhook")],
)
def test_a_webhook_that_is_down_is_asked_again_and_no_answer_of_one_is_a_missing_right(
    namespace: Namespace, code: int, words: str, patches: int, remedy: str
) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError"))
    error = from_status(code, {"message": words})
    transport = Disturbed(namespace.functions, lambda: None, refusing=100, error=lambda: error)
    where = Where(Cluster(transport), namespace.name)
    with pytest.raises(CommandError) as caught:
        requests.retry(where, find(where, "api-1"), None, pause=lambda _: None)
    assert (transport.patches, "request rights" in str(caught.value)) == (patches, False)
    assert words in str(caught.value)
    assert remedy in str(caught.value)


def test_json_of_a_retry_is_the_run(namespace: Namespace) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError"))
    found = json.loads(namespace.runs("retry", "api-1", "-o", "json").out)
    assert (found["name"], found["spec"]["contextVersion"]) == ("api-1", 2)
