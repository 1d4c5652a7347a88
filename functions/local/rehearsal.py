"""Stands in for Claude Code where there is none, or no key: everything around the agent happens for real.

It takes Claude Code's command line, reads the rendered prompt, CLAUDE.md and settings, makes the files a task would
make, and runs the Stop hooks. Whatever it prints, writes or commits says that it was a rehearsal. It is run by
itself, as `python3 -I rehearsal.py`, and knows nothing of the rest of this project.

`REHEARSAL_SECONDS` (default 1) is how long it takes; `REHEARSAL_LOG` names a file that gets a line for each start.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

BYLINE = "Written by the rehearsal agent; no model was asked."
Step = tuple[str, Callable[[], None]]


def arguments(argv: list[str]) -> argparse.Namespace:
    """The options of Claude Code that the container script gives."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for flag in ("-p", "--verbose", "--strict-mcp-config", "--fork-session"):
        parser.add_argument(flag, action="store_true")
    for option in (
        "--output-format",
        "--setting-sources",
        "--model",
        "--max-turns",
        "--max-budget-usd",
        "--mcp-config",
        "--append-system-prompt-file",
        "--system-prompt-snapshot",
    ):
        parser.add_argument(option)
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--session-id")
    parser.add_argument("--resume")
    return parser.parse_args(argv)


def emit(session: str, kind: str, **fields: Any) -> None:
    """One line of the stream, as Claude Code's stream-json has it."""
    print(json.dumps({"type": kind, "session_id": session, "model": "rehearsal", **fields}), flush=True)


def say(session: str, text: str) -> None:
    """A message of the assistant."""
    message = {
        "role": "assistant",
        "model": "rehearsal",
        "content": [{"type": "text", "text": f"[rehearsal] {text}"}],
    }
    emit(session, "assistant", message=message)


def open_session(given: argparse.Namespace, home: Path) -> tuple[str, Path]:
    """The session and its file, kept where Claude Code keeps it; exits as Claude Code does where that cannot be."""
    store = home / "projects" / re.sub(r"[^A-Za-z0-9]", "-", str(Path.cwd()))
    if given.resume and not (store / f"{given.resume}.jsonl").is_file():
        sys.exit(f"No conversation found with session ID: {given.resume}")
    session = given.session_id or given.resume
    file = store / f"{session}.jsonl"
    if given.session_id and file.exists():
        sys.exit(f"Error: Session ID {session} is already in use.")
    store.mkdir(parents=True, exist_ok=True)
    return session, file


def tasks(document: Any) -> Iterator[dict[str, Any]]:
    """Every task of a tasks.json, with and without tags."""
    for tag in (document, *document.values()):
        yield from tag.get("tasks", ()) if isinstance(tag, dict) else ()


def write(path: str, text: str) -> bool:
    """Writes a file that is not there yet; whether it did."""
    if Path(path).exists():
        return False
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return True


def commit(subject: str) -> None:
    """Commits everything, in its own name."""
    subprocess.run(["git", "add", "--all"], check=True)
    body = f"{BYLINE}\n\nAgent-Model: rehearsal"
    subprocess.run(["git", "commit", "--quiet", "--message", subject, "--message", body], check=True)


def docs_steps() -> Iterator[Step]:
    """Documents each task; the last one is left for the Stop hook to commit."""
    found = list(tasks(json.loads(Path(".taskmaster/tasks/tasks.json").read_text())))
    for task in found:
        title = f"task {task['id']}: {task.get('title', '')}"
        yield f"documenting {title}", partial(document, task, title, last=task is found[-1])


def document(task: dict[str, Any], title: str, *, last: bool) -> None:
    """The three documents of one task."""
    directory = f".taskmaster/docs/task-{task['id']}"
    details = task.get("details") or task.get("description") or ""
    checks = [
        line.strip(" .")
        for line in re.split(r"[\n;]|\. ", str(task.get("testStrategy") or details))
        if line.strip(" .")
    ]
    new = [
        write(f"{directory}/task.md", f"# T{title[1:]}\n\n{BYLINE}\n\n{task.get('description', '')}\n\n{details}\n"),
        write(f"{directory}/prompt.md", f"# Implement {title}\n\n{BYLINE}\n\n{details}\n"),
        write(
            f"{directory}/acceptance-criteria.md",
            f"# Acceptance criteria of {title}\n\n{BYLINE}\n\n" + "".join(f"- [ ] {check}\n" for check in checks),
        ),
    ]
    if any(new) and not last:
        commit(f"docs: {title} (rehearsal)")


def code_steps(task: str, attempt: str) -> Iterator[Step]:
    """Notes down what the task's documents ask for, as a small change with a commit of its own."""
    documents = sorted(Path(f".taskmaster/docs/task-{task}").glob("*.*"))
    if not documents:
        sys.exit(f"there are no documents in .taskmaster/docs/task-{task}")
    wanted = [line for path in documents for line in path.read_text().splitlines() if line.startswith(("# ", "- "))]

    def note() -> None:
        text = f"# Task {task}\n\n{BYLINE}\n\nIts documents ask for:\n\n" + "".join(f"    {line}\n" for line in wanted)
        if write(f"rehearsal/task-{task}.md", text):
            commit(f"Task {task}: note what is asked for (rehearsal)")

    def module() -> None:
        write(
            f"rehearsal/task_{task}.py",
            f'"""Task {task}. {BYLINE}"""\n\nDOCUMENTS = {[path.name for path in documents]!r}\n',
        )
        progress = Path(f".orchestrator/task-{task}-progress.log")
        progress.parent.mkdir(exist_ok=True)
        with progress.open("a") as log:
            log.write(f"attempt {attempt}: rehearsed\n")

    yield f"reading {', '.join(path.name for path in documents)}", lambda: None
    yield f"noting what task {task} asks for", note
    yield f"writing rehearsal/task_{task}.py", module


def run_stop_hooks(settings: dict[str, Any], session: str, transcript: Path) -> None:
    """The Stop hooks, with the input that Claude Code gives them."""
    event = {
        "session_id": session,
        "transcript_path": str(transcript),
        "cwd": str(Path.cwd()),
        "permission_mode": settings["permissions"]["defaultMode"],
        "hook_event_name": "Stop",
        "stop_hook_active": False,
    }
    environment = {**os.environ, "CLAUDE_PROJECT_DIR": str(Path.cwd()), "ORCHESTRATOR_MODEL": "rehearsal"}
    for hook in (hook for group in settings["hooks"].get("Stop", ()) for hook in group["hooks"]):
        print(f"[rehearsal] Stop hook {hook['command']}", flush=True)
        subprocess.run(
            ["/bin/sh", "-c", hook["command"]], input=json.dumps(event), text=True, env=environment, check=False
        )


def announce(run: str, attempt: str) -> None:
    """Says that an agent was started, also in `REHEARSAL_LOG`, so that starts can be counted."""
    print(f"[rehearsal] started run={run} attempt={attempt}", flush=True)
    if "REHEARSAL_LOG" in os.environ:
        with Path(os.environ["REHEARSAL_LOG"]).open("a") as log:
            log.write(f"run={run} attempt={attempt}{trace()}\n")


def trace() -> str:
    """The trace that the agent would go on with, if it was given one."""
    found = os.environ.get("TRACEPARENT")
    return f" traceparent={found}" if found else ""


def changed() -> bool:
    """Whether the branch has anything that its base has not, committed or not."""
    status = subprocess.run(["git", "status", "--porcelain"], check=True, capture_output=True)
    ahead = subprocess.run(["git", "log", "--oneline", "HEAD", "--not", "--remotes"], check=True, capture_output=True)
    return bool(status.stdout or ahead.stdout)


def main() -> int:
    """One session, from prompt to result."""
    given, environment = arguments(sys.argv[1:]), os.environ
    home = Path(environment["CLAUDE_CONFIG_DIR"])
    attempt = environment["ORCHESTRATOR_ATTEMPT"]
    announce(environment["ORCHESTRATOR_RUN"], attempt)
    settings = json.loads(given.settings.read_text())
    session, file = open_session(given, home)
    prompt, memory = sys.stdin.read(), (home / "CLAUDE.md").read_text()
    emit(session, "system", subtype="init", cwd=str(Path.cwd()), permissionMode=settings["permissions"]["defaultMode"])
    say(session, f"a rehearsal with a prompt of {len(prompt)} and a CLAUDE.md of {len(memory)} characters")
    with file.open("a") as log:
        log.write(json.dumps({"type": "user", "message": {"role": "user", "content": prompt}}) + "\n")
    docs = environment["ORCHESTRATOR_KIND"] == "docs"
    steps = list(docs_steps() if docs else code_steps(environment["ORCHESTRATOR_TASK"], attempt))
    for text, act in steps:
        say(session, text)
        time.sleep(float(environment.get("REHEARSAL_SECONDS", "1")) / len(steps))
        act()
    words = BYLINE if changed() else f"{BYLINE}\nNO_CHANGES: everything a rehearsal makes is there already"
    run_stop_hooks(settings, session, file)
    usage = {"input_tokens": 0, "output_tokens": 0}
    emit(
        session,
        "result",
        subtype="success",
        is_error=False,
        num_turns=len(steps),
        result=words,
        total_cost_usd=0,
        usage=usage,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
