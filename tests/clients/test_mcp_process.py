"""`orchestrator-mcp` as a process.

standard output            only the protocol, whatever a tool or its child processes print
a long step                progress messages, the last one repeated
a tool with a defect       an error without its cause, which is logged
unpaired surrogates        replaced by U+FFFD in requests and answers; the server continues
end of input               the server ends; --help explains, arguments are wrong usage
"""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

SERVER = """
import os, pathlib, subprocess, time
from functions.clients.mcp import server
from functions.clients.mcp.arguments import Arguments
from functions.clients.mcp.tool import Result, Tool

def noisy(given, say):
    print("printed by a tool", flush=True)
    subprocess.run(["sh", "-c", "echo printed by a child; cat"], check=True)
    say("working")
    while not pathlib.Path(os.environ["HOME"], "enough").exists():
        time.sleep(0.01)
    return Result("done", {}, {})

def broken(given, say):
    raise RuntimeError("s3cret")

tools = [Tool("noisy", "Prints.", Arguments, noisy), Tool("broken", "Fails.", Arguments, broken)]
server.start(tools, interval=0.1)
"""


def test_only_the_protocol_is_written_to_standard_output(environ: dict[str, str]) -> None:
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    noisy = {"name": "noisy", "arguments": {}, "_meta": {"progressToken": 5}}
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": noisy},
        {"id": 3, "method": "tools/call", "params": {"name": "broken", "arguments": {}}},
    ]
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdin.write("".join(json.dumps({"jsonrpc": "2.0", **each}) + "\n" for each in messages))
        process.stdin.flush()
        answers: list[dict[str, Any]] = []
        while not {2, 3} <= {each.get("id") for each in answers}:
            answers.append(json.loads(process.stdout.readline()))
            if _steps(answers).count("working") == 3:
                (Path(environ["HOME"]) / "enough").touch()
        out, err = process.communicate(timeout=60)  # closes standard input
    assert (process.returncode, out) == (0, "")
    assert "printed by a tool" in err
    assert "printed by a child" in err
    (failed,) = [each["result"] for each in answers if each.get("id") == 3]
    assert failed["isError"]
    assert "s3cret" not in json.dumps(failed)
    assert "RuntimeError: s3cret" in err


HALVES = """
from functions.clients.errors import CommandError
from functions.clients.mcp import server
from functions.clients.mcp.arguments import Arguments
from functions.clients.mcp.tool import Result, Tool

class Text(Arguments):
    text: str

def echo(given, say):
    say("step \\ud800")
    return Result(given.text + chr(0xD800), {}, {chr(0xDFFF): "fact"})

def refuse(given, say):
    raise CommandError("no \\udfff")

server.start([Tool("echo", "Says it.", Text, echo), Tool("refuse", "Does not.", Arguments, refuse)], interval=9)
"""


def test_a_request_with_an_unpaired_surrogate_is_answered(environ: dict[str, str]) -> None:
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    echo = {"name": "echo", "arguments": {"text": "a\ud83d"}, "_meta": {"progressToken": 5}}
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": echo},
        {"id": 3, "method": "tools/call", "params": {"name": "refuse", "arguments": {}}},
        {"id": 4, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "b", "\udfff": 1}}},
        {"id": 5, "method": "ping"},
    ]
    with subprocess.Popen(
        [sys.executable, "-c", HALVES], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("".join(json.dumps({"jsonrpc": "2.0", **each}) + "\n" for each in messages))
        process.stdin.write("no JSON\n")
        process.stdin.flush()
        guard = threading.Timer(120, process.kill)  # ends the process if a request gets no answer
        guard.start()
        answers: list[dict[str, Any]] = []
        while not {2, 3, 4, 5} <= {each.get("id") for each in answers}:
            answers.append(json.loads(process.stdout.readline()))
        guard.cancel()
        process.communicate(timeout=60)
    assert process.returncode == 0
    said = {each["id"]: each["result"] for each in answers if "id" in each}
    assert said[2]["structuredContent"] == {"summary": "a\ufffd\ufffd", "parameters": {}, "\ufffd": "fact"}
    assert json.loads(said[2]["content"][0]["text"]) == said[2]["structuredContent"]
    assert _steps(answers) == ["step \ufffd"]
    assert (said[3]["isError"], said[3]["content"][0]["text"]) == (True, "no \ufffd")
    assert said[4]["isError"]
    assert "\ufffd: is not a known field" in said[4]["content"][0]["text"]


def _steps(messages: list[dict[str, Any]]) -> list[str]:
    """Return the progress messages."""
    return [each["params"]["message"] for each in messages if each.get("method") == "notifications/progress"]


def test_help_and_wrong_usage_of_the_server_are_explained(environ: dict[str, str]) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "functions.clients.mcp", *arguments]
        return subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )

    explained, wrong = run("--help"), run("serve")
    assert (explained.returncode, "ORCHESTRATOR_API_URL" in explained.stdout) == (0, True)
    assert (wrong.returncode, wrong.stdout, "takes no arguments" in wrong.stderr) == (2, "", True)
    ended_at_once = run()
    assert (ended_at_once.returncode, ended_at_once.stdout) == (0, "")
