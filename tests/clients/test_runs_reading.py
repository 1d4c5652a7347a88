"""`orchestrator runs list` and `runs get`, as processes on an embedded API server.

runs of both kinds                  one table, newest first
unreadable runs                     a row each; other rows are not affected
filters, -A, --all, -o              matching runs only; JSON and YAML with the same facts
one run                             title, attempts, usage, queue position, a refused retry, the next step
an ambiguous or unknown name        an error with what to do; docs/NAME and code/NAME choose
no cluster, namespace or rights     the cause and what to do; exit code 3 if it may be temporary
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from functions.runs.model.status import rfc3339
from functions.views import formatting, listing, rows
from tests.clients.conftest import CommandLine, Functions
from tests.clients.place import SINCE, Namespace, condition, ended


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (330, "5m30s"),
        (3_600, "1h"),
        (3_660, "1h1m"),
        (3_601, "1h"),
        (187_200, "2d4h"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float, text: str) -> None:
    assert formatting.duration(seconds) == text


def test_runs_of_both_kinds_are_listed_newest_first(namespace: Namespace) -> None:
    now = datetime.now(UTC)
    made = [namespace.put(name) for name in ("a", "b", "c")] + [namespace.put("d", "DocsRun")]
    for days, raw in enumerate(made):
        raw["metadata"]["creationTimestamp"] = rfc3339(now - timedelta(days=days))
    assert [raw["metadata"]["name"] for raw in rows.newest_first(reversed(made))] == ["a", "b", "c", "d"]
    table = listing.text_table(rows.newest_first(made), now)
    assert [line.split()[-1] for line in table.splitlines()] == ["NAME", "a", "b", "c", "d"]
    assert [line.split()[-2] for line in table.splitlines()] == ["AGE", "0s", "1d", "2d", "3d"]


def test_an_unreadable_run_has_a_row_and_hides_no_other() -> None:
    def raw(name: str, **parts: Any) -> dict[str, Any]:
        return {"kind": "CodeRun", "metadata": {"name": name, "namespace": "x", "creationTimestamp": SINCE}, **parts}

    broken: list[Mapping[str, Any]] = [
        raw("no-spec"),
        raw("text", spec="x", status="y"),
        raw("lists", spec=[], status={"conditions": {"type": "Succeeded"}, "phase": ["x"]}),
        raw("escape", spec={"taskId": 1, "service": "a\x1b[2Jb\nc"}, status={"phase": "Running"}),
    ]
    lines = listing.text_table(broken, datetime.now(UTC)).splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["no-spec", "text", "lists", "escape"]
    assert "\x1b" not in "".join(lines)


def test_a_list_contains_only_matching_runs(namespace: Namespace) -> None:
    namespace.put("api-1", status=ended("Failed", "AgentError"))
    namespace.put("web-1", service="web")
    namespace.put("docs-1", "DocsRun", ended("Failed", "NoReport"))

    def names(*arguments: str) -> set[str]:
        return {each["name"] for each in namespace.runs("list", "-o", "json", *arguments).json}

    assert names() == {"api-1", "web-1", "docs-1"}
    assert names("--kind", "docs") == {"docs-1"}
    assert names("--phase", "failed", "--kind", "code") == {"api-1"}
    assert names("--phase", "Pending") == {"web-1"}
    assert names("--service", "web") == {"web-1"}
    assert namespace.runs("list", "--service", "none").out == "no such runs\n"
    assert namespace.runs("list", ORCHESTRATOR_NAMESPACE="nowhere").out == "no runs in namespace nowhere\n"
    everywhere = namespace.runs("list", "-A", "--all")
    assert [namespace.name, "api-1"] in [[line.split()[0], line.split()[-1]] for line in everywhere.out.splitlines()]
    for option in (("--kind", "both"), ("--phase", "Done")):
        refused = namespace.runs("list", *option)
        assert (refused.code, option[0] in refused.err, option[1] in refused.err) == (2, True, True)


def test_json_and_yaml_have_the_same_facts(namespace: Namespace) -> None:
    namespace.put("api-1", status=ended("Succeeded", "Completed", attempt=1, branch="agents/api-1"))
    found = namespace.runs("list", "-o", "json").json
    assert yaml.safe_load(namespace.runs("list", "-o", "yaml").out) == found
    (run,) = found
    facts = {
        name: run[name]
        for name in ("kind", "name", "phase", "reason", "taskId", "service", "agent", "attempt", "branch")
    }
    assert list(facts.values()) == ["CodeRun", "api-1", "Succeeded", "Completed", 3, "api", "rex", 1, "agents/api-1"]


def test_a_long_list_is_cut_with_a_notice(namespace: Namespace) -> None:
    for number in range(32):
        namespace.put(f"many-{number}", taskId=number + 1)
    short, full = namespace.runs("list"), namespace.runs("list", "--all")
    assert (len(short.out.splitlines()), len(full.out.splitlines())) == (31, 33)
    assert "the newest 30 of 32 runs; --all" in short.err
    assert full.err == ""


ATTEMPTS = [
    {"attempt": 1, "jobName": "j1", "generation": 1, "startedAt": SINCE, "finishedAt": "2026-01-02T03:05:05Z",
     "reason": "AgentError", "message": "the agent gave up"},
    {"attempt": 2, "jobName": "j2", "generation": 1, "startedAt": "2026-01-02T03:06:05Z",
     "finishedAt": "2026-01-02T03:09:35Z", "reason": "MaxTurns"},
]  # fmt: skip


def test_get_shows_a_runs_history_and_next_step(namespace: Namespace) -> None:
    usage = {"costUsd": 1.234, "inputTokens": 10, "outputTokens": 20, "turns": 7}
    more = {"attempt": 2, "attempts": ATTEMPTS, "usage": usage, "branch": "agents/api-1", "message": "no more turns"}
    times = {"startedAt": SINCE, "finishedAt": "2026-01-02T03:09:35Z"}
    namespace.put("api-1", status=ended("Failed", "MaxTurns", **more, **times))
    output = namespace.runs("get", "api-1").out
    lines = {
        line.split("  ")[0]: " ".join(line.split()[1:]) for line in output.splitlines() if not line.startswith(" ")
    }
    assert lines["Phase"] == "Failed (MaxTurns)"
    assert (lines["Title"], lines["Repository"]) == ("Task 3 of api", "https://git.example/shop.git")
    assert lines["Message"] == "no more turns"
    assert lines["Took"] == "4m30s", "without the minute between the attempts"
    assert lines["Usage"] == "$1.23, 7 turns, 10/20 tokens in/out"
    assert lines["Next"] == (
        "raise maxTurns, or make the task smaller; then try again with: orchestrator runs retry api-1"
    )
    rows_told = [
        line.split() for line in output.splitlines() if "AgentError" in line or line.split()[:2] == ["2", "MaxTurns"]
    ]
    assert rows_told == [["1", "AgentError", "1m", "the", "agent", "gave", "up"], ["2", "MaxTurns", "3m30s"]]
    found = namespace.runs("get", "code/api-1", "-o", "json").json
    assert (found["attempts"][0]["message"], found["usage"]["turns"], found["spec"]["taskId"]) == (
        ATTEMPTS[0]["message"],
        7,
        3,
    )


def test_get_shows_a_refused_retry_beside_the_runs_state(namespace: Namespace) -> None:
    refused = {**condition("True", "NotFinished", "the retry is refused")[0], "type": "RetryRefused"}
    works = [*condition("Unknown", "Running"), refused]
    namespace.put("api-1", status={"phase": "Running", "message": "attempt 1 is running", "conditions": works})
    lines = namespace.runs("get", "api-1").out.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines if line.startswith("Retry")] == ["the retry is refused"]
    assert namespace.runs("get", "api-1", "-o", "json").json["retryRefused"] == "the retry is refused"


def test_values_of_environment_variables_are_not_shown(namespace: Namespace) -> None:
    namespace.put("api-1", env=[{"name": "TOKEN", "value": "s3cret"}])
    for output in ("table", "json", "yaml"):
        assert "s3cret" not in namespace.runs("get", "api-1", "-o", output).out
    assert namespace.runs("get", "api-1", "-o", "json").json["spec"]["env"] == ["TOKEN"]


def test_get_shows_the_queue_position_of_a_queued_run(namespace: Namespace) -> None:
    waits = {"phase": "Queued", "conditions": condition("Unknown", "Queued", "waits: 1 runs work (limits.runs)")}
    namespace.put("first", status=waits, priority=1)
    namespace.put("second", status=waits, service="web")
    namespace.put("works", status={"phase": "Running", "conditions": condition("Unknown", "Running")}, service="other")
    assert namespace.runs("get", "second", "-o", "json").json["queue"] == {
        "place": 2, "of": 2, "waitsFor": "1 runs work (limits.runs)",
    }  # fmt: skip
    assert "Queue       1 of 2" in namespace.runs("get", "first").out
    assert "queue" not in namespace.runs("get", "works", "-o", "json").json


def test_an_ambiguous_name_is_refused_with_the_choices(namespace: Namespace) -> None:
    namespace.put("same")
    namespace.put("same", "DocsRun")
    asked = namespace.runs("get", "same")
    assert (asked.code, asked.out) == (1, "")
    assert "write docs/same or code/same" in asked.err
    assert namespace.runs("get", "docs/same", "-o", "json").json["kind"] == "DocsRun"
    assert namespace.runs("get", "coderun/same", "-o", "json").json["kind"] == "CodeRun"
    assert "write NAME, docs/NAME or code/NAME" in namespace.runs("get", "job/same").err


def test_an_unknown_name_is_reported_with_the_namespace_searched(namespace: Namespace) -> None:
    missing = namespace.runs("get", "nope")
    assert missing.code == 1
    assert f"no DocsRun or CodeRun 'nope' in namespace {namespace.name}" in missing.err
    assert "no DocsRun 'nope'" in namespace.runs("get", "docs/nope").err


def test_an_unreachable_cluster_is_reported_and_the_command_may_be_repeated(
    namespace: Namespace, cli: CommandLine
) -> None:
    text = namespace.functions.kubeconfig.read_text()
    away = namespace.functions.folder / "away"
    away.write_text(json.dumps(json.loads(text) | {"clusters": [_cluster("http://127.0.0.1:9")]}))
    for asked in (("list",), ("get", "x"), ("cancel", "x"), ("watch", "x")):
        down = cli("runs", *asked, "--kubeconfig", str(away))
        assert (down.code, down.out) == (3, "")
        assert "is the cluster up" in down.err
        assert "--kubeconfig" in down.err


def _cluster(url: str) -> dict[str, Any]:
    return {"name": "orchestrator-dev", "cluster": {"server": url}}


def test_a_missing_kubeconfig_is_reported_with_the_options(cli: CommandLine) -> None:
    lost = cli("runs", "list")
    assert lost.code == 1
    assert "--kubeconfig and --context (or KUBECONFIG)" in lost.err


def test_a_server_without_the_kinds_is_distinguished_from_one_without_runs(
    functions: Functions, cli: CommandLine
) -> None:
    elsewhere = functions.folder / "elsewhere"
    url = json.loads(functions.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    elsewhere.write_text(
        json.dumps(json.loads(functions.kubeconfig.read_text()) | {"clusters": [_cluster(url + "/nowhere")]})
    )
    lost = cli("runs", "list", "--kubeconfig", str(elsewhere))
    assert lost.code == 1
    assert "CRDs" in lost.err


def test_the_namespace_is_that_of_option_variable_or_context_in_this_order(
    namespace: Namespace, cli: CommandLine
) -> None:
    namespace.put("here")
    config = json.loads(namespace.functions.kubeconfig.read_text())
    config["contexts"].append(
        {"name": "mine", "context": {**config["contexts"][0]["context"], "namespace": namespace.name}}
    )
    file = namespace.functions.folder / "contexts"
    file.write_text(json.dumps(config))

    def names(*arguments: str, **environ: str) -> list[str]:
        given = {"KUBECONFIG": str(file), **environ}
        return [each["name"] for each in cli("runs", "list", "-o", "json", *arguments, environ=given).json]

    assert names("--context", "mine") == ["here"]
    assert names("--context", "mine", "-n", "nowhere") == []
    assert names("-n", namespace.name) == ["here"]
    assert names("--context", "mine", ORCHESTRATOR_NAMESPACE="nowhere") == []
    assert names("--context", "mine", KUBECONFIG=f"{namespace.functions.folder / 'none'}:{file}") == ["here"]
