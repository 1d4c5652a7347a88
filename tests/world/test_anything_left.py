"""Anything that an agent may leave behind: sequences of git and file operations, then the end of the script.

Each operation may write a file whose text is the operation's own number, so that lost content is found by its text.
After the sequence one of these holds for each text that the workspace still had:
- it is reachable from a branch of the remote, or
- the result that the report is made from names what is not saved.
Then another attempt of the run opens the repository, and one of another run.

A short cut, for 200 sequences in two minutes: save_work.py and open_repository.py are called as the container script
calls them, without container script and agent process around them, which tests/agent and the other tests here have.
`SEED=n` plays one sequence again; seeds of failures are printed.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from functions.templating.render import task_files
from tests.agent.conftest import SpecFactory
from tests.agent.remotes import git
from tests.agent.world import World, lay_out, plain_settings
from tests.conftest import SCALE
from tests.support.python import search_path
from tests.world.attempts import BRANCH, blob

COMMIT = "echo {n} > c{n}; git add c{n}; git commit -qm {n}"
BACK = "git checkout -q {branch}"
CONFLICT = "git checkout -q -b k{n} origin/main; echo {n} > README.md; git commit -qam {n}; git checkout -q -"
OPERATIONS = (
    "echo {n} > f{n}",
    "mkdir -p d/{n}; echo {n} > d/{n}/f",
    "echo {n} >> README.md",
    "echo {n} > src/app.py",
    "rm -f README.md",
    "git rm -q -f src/app.py",
    "git mv README.md moved{n}",
    "rm -rf src; echo {n} > src",
    "echo {n} > x{n}; chmod +x x{n}; ln -s x{n} l{n}",
    "echo {n} > $'odd\\n{n}'",
    "echo {n} > $'\\xff{n}'",
    "mkdir -p o{n}; echo {n} > 'o{n}/git~1'",
    "mkfifo p{n}",
    "mkdir -p node_modules/{n}; echo cache > node_modules/{n}/f",
    "echo {n} > s{n}; git add s{n}; rm s{n}",
    "echo {n} > t{n}; git add t{n}; echo other{n} > t{n}",
    "echo {n} > n{n}; git add -N n{n}",
    "echo {n} > README.md; git update-index --assume-unchanged README.md",
    "echo {n} > README.md; git update-index --skip-worktree README.md",
    "echo {n} > i{n}; echo i{n} >> .git/info/exclude",
    "echo '*.txt text eol=crlf' >> .gitattributes; printf '{n}\\n' > a{n}.txt",
    COMMIT,
    f"{COMMIT}; {COMMIT.replace('{n}', '{n}b')}",
    "echo {n} > c{n}; git add c{n}; git commit -q --amend -m {n}",
    f"git checkout -q -b b{{n}}; {COMMIT}; {BACK}",
    f"git checkout -q -b b{{n}}; {COMMIT}",
    f"git checkout -q -b b{{n}} origin/main; {COMMIT}; {BACK}",
    f"git checkout -q --detach; {COMMIT}; {BACK}",
    f"git checkout -q --detach; {COMMIT}",
    f"git checkout -q --orphan o{{n}}; {COMMIT}; {BACK}",
    f"{COMMIT}; git branch -m r{{n}}",
    f"{COMMIT}; git tag -a t{{n}} -m {{n}}; git reset -q --hard HEAD~1",
    f"{COMMIT}; git tag t{{n}}; git reset -q --hard HEAD~1",
    "echo {n} > st{n}; git stash -q -u",
    "echo {n} > st{n}; git add st{n}; git stash -q",
    "echo {n} > README.md; git stash -q; git stash pop -q",
    "git worktree add -q w{n} -b w{n}; echo {n} > w{n}/f",
    "git worktree add -q --detach w{n}; cd w{n}; echo {n} > c; git add c; git commit -qm {n}; cd ..",
    "git worktree add -q --detach w{n}; cd w{n}; echo {n} > g; git stash -qu; cd ..; rm -rf w{n}",
    "git init -q z{n}; echo {n} > z{n}/f",
    "git init -q z{n}; cd z{n}; echo {n} > f; git add f; git commit -qm {n}; cd ..",
    "git init -q z{n}; cd z{n}; git commit -q --allow-empty -m e; echo {n} > f; git stash -qu; cd ..",
    "mkdir q{n}; echo gitdir: /nowhere > q{n}/.git; echo {n} > q{n}/f",
    "git merge -q --no-commit --no-ff b1 || true; echo {n} > m{n}",
    f"{CONFLICT}; git merge -q k{{n}}",
    f"{CONFLICT}; git rebase -q k{{n}}",
    f"{CONFLICT}; git cherry-pick k{{n}}",
    "git rebase -q --abort || git merge --abort || true",
    "git config commit.gpgsign true; git config user.email ''",
    "git config remote.origin.url /nowhere; git config core.bare true",
    "git config core.worktree /nowhere",
    "git config filter.e.clean false; git config filter.e.required true; echo '* filter=e' > .git/info/attributes",
    "printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit",
    "touch .git/index.lock",
    "git sparse-checkout set src",
    "git replace HEAD HEAD~1",
    "git notes add -f -m {n} HEAD",
    "git gc -q; git pack-refs --all",
    "git update-ref -d refs/remotes/origin/main",
    "git update-ref refs/remotes/origin/{n} HEAD",
)
"""Bash, with {n} for the operation's number and {branch} for the run's branch."""

assert len(OPERATIONS) >= 40
SEQUENCES = st.lists(st.integers(0, len(OPERATIONS) - 1), min_size=1, max_size=8)


@dataclass(frozen=True)
class Stage:
    """Rendered task files and a remote to begin with."""

    path: Path
    config: Path
    other: Path
    seed: Path
    start: Path
    """A workspace in which the repository is open."""
    looked_for: list[int] = field(default_factory=list)
    """How many texts each sequence left."""


@dataclass(frozen=True)
class Attempt:
    """A workspace and a remote of one sequence."""

    path: Path

    @property
    def clone(self) -> Path:
        return self.path / "workspace/shop"

    def environ(self) -> dict[str, str]:
        known = {
            "PATH": search_path(),
            "HOME": str(self.path / "home"),
            "ORCHESTRATOR_START": str(self.path / "start.json"),
            "ORCHESTRATOR_STATE": str(self.path / "state"),
            "ORCHESTRATOR_REPOSITORY": str(self.clone),
            "GIT_CONFIG_COUNT": "4",
            "LC_ALL": "C.UTF-8",
        }
        remote = f"url.file://{self.path}/remote/.insteadOf"
        values = {remote: "https://github.com/acme/", "user.name": "agent", "user.email": "agent@example.com"}
        values["core.fsync"] = "none"  # no power failure in this test
        for number, (key, value) in enumerate(values.items()):
            known |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return known

    def run(self, config: Path, script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [*WITHOUT_CAPABILITIES, sys.executable, "-I", "-c", RUNNER, str(config), script, *map(str, arguments)]
        return subprocess.run(
            command, env=self.environ(), input="", capture_output=True, text=True, errors="replace", timeout=60
        )

    def open(self, config: Path) -> None:
        home = self.path / f"open-{len(list(self.path.glob('open-*')))}"
        done = self.run(config, "open_repository", self.clone, self.path / "state", home, self.path / "start.json")
        assert done.returncode == 0, done.stderr

    def save(self, config: Path) -> dict[str, Any]:
        result = self.path / "saved.json"
        result.unlink(missing_ok=True)
        home = self.path / f"save-{len(list(self.path.glob('save-*')))}"
        done = self.run(config, "save_work", "--seconds", 60, "--home", home, "--result", result)
        assert result.is_file(), done.stderr
        found: dict[str, Any] = json.loads(result.read_text())
        return found

    def play(self, operations: list[str]) -> None:
        text = "\n".join(
            f"(cd {self.clone} && {{ {each}\n}}) </dev/null >/dev/null 2>&1 || true" for each in operations
        )
        environ = {**self.environ(), "GIT_EDITOR": "true"}
        subprocess.run(["/bin/bash", "-c", text], env=environ, timeout=60, check=True)

    def had(self) -> set[str]:
        """Names of the blobs that the workspace has: files, objects that something names, what is staged."""
        files = [path for path in self.clone.rglob("*") if _is_content(path.relative_to(self.clone))]
        found = {_blob(path) for path in files if path.is_file() and not path.is_symlink()}
        for directory in [self.clone / ".git", *self.clone.glob("z*/.git")]:
            found |= set(_git(directory, "rev-list", "--objects", "--no-object-names", "--all", "--indexed-objects"))
            found |= set(
                _git(directory, "rev-list", "--objects", "--no-object-names", "-g", "--ignore-missing", "refs/stash")
            )
        return found

    def remote_has(self) -> set[str]:
        return set(_git(self.path / "remote/shop", "rev-list", "--objects", "--no-object-names", "--all"))


WITHOUT_CAPABILITIES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
"""As in a pod: with them, root would not notice missing rights."""

RUNNER = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__")
"""
"""Runs a script of the task files by its name, with the compiled modules beside it."""


def _is_content(path: Path) -> bool:
    return not {".git", "node_modules"} & set(path.parts)


def _blob(path: Path) -> str:
    return blob(path.read_bytes().decode(errors="surrogateescape"))


def _git(directory: Path, *arguments: str) -> list[str]:
    command = ["git", f"--git-dir={directory}", "-c", "core.bare=true", *arguments]
    environ = {"PATH": os.environ["PATH"], "GIT_NO_REPLACE_OBJECTS": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, errors="replace").stdout.split()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, seeds: Path) -> Stage:
    """What every sequence begins with, made once."""
    path = tmp_path_factory.mktemp("stage")
    return Stage(path, path / "config", path / "other", seeds, path / "begun")


@pytest.fixture
def prepared(stage: Stage, world: World, code_spec: SpecFactory) -> Stage:
    if stage.start.exists():
        return stage
    for directory, run in ((stage.config, "r1"), (stage.other, "r2")):
        lay_out(directory, task_files(world.task(code_spec(), run=run), plain_settings()).files)
    begun = Attempt(stage.start)
    begun.path.mkdir()
    shutil.copytree(stage.seed, begun.path / "remote")
    git("config", "core.fsync", "none", cwd=begun.path / "remote/shop")
    begun.open(stage.config)
    return stage


def check(stage: Stage, number: int, chosen: list[int]) -> None:
    """Play one sequence and look for lost content."""
    attempt = Attempt(stage.path / f"sequence-{number}")
    shutil.copytree(stage.start, attempt.path, symlinks=True)
    operations = [
        OPERATIONS[index].replace("{n}", f"{place}").replace("{branch}", BRANCH)
        for place, index in enumerate(chosen, 1)
    ]
    attempt.play(operations)
    texts = {blob(f"{place}{letter}\n") for place in range(1, len(chosen) + 1) for letter in ("", "b")}
    wanted = attempt.had() & texts
    stage.looked_for.append(len(wanted))
    result = attempt.save(stage.config)
    lost = wanted - attempt.remote_has()
    assert not lost or result["unsaved"] or result["refused"], (operations, result)
    attempt.open(stage.config)
    attempt.open(stage.other)
    shutil.rmtree(attempt.path)


TOGETHER = 4
"""Sequences of one example: they are played at the same time, as most of the time is git's."""

COUNT = max(1, round(200 * SCALE))
START = int(os.environ.get("SEED", "1"))


@pytest.mark.timeout(max(600, 6 * COUNT))
def test_nothing_that_an_agent_leaves_is_lost(prepared: Stage, record_property: Any) -> None:
    numbers = iter(range(10**9))

    @seed(START)
    @settings(
        max_examples=max(1, COUNT // TOGETHER),
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(st.lists(SEQUENCES, min_size=TOGETHER, max_size=TOGETHER))
    def play(chosen: list[list[int]]) -> None:
        with ThreadPoolExecutor(TOGETHER) as pool:
            for done in [pool.submit(check, prepared, next(numbers), each) for each in chosen]:
                done.result()

    play()
    count, texts = len(prepared.looked_for), sum(prepared.looked_for)
    summary = f"what an agent may leave: {count} sequences, {texts} texts (SCALE={SCALE:g}, SEED={START})"
    record_property("summary", summary)
    assert count >= COUNT
    assert texts > count, "most operations leave something to be found"


DETACHED = f"{COMMIT}; git checkout -q --detach; git worktree add -q w {BRANCH}; cd w"
ODD = {
    "no submodule declared": "echo {n} > f; : > .gitmodules",
    "a conflict in .gitmodules": "echo {n} > f; printf '<<<<<<< HEAD\\n[submodule' > .gitmodules",
    "the repository as its own submodule": "echo {n} > f; git config -f .gitmodules submodule.a.path .",
    "a split index": "git update-index --split-index; echo {n} > f; git add f",
    "a worktree moved without git": "git worktree add -q --detach w; mv w v; echo {n} > v/f",
    "a worktree copied": "git worktree add -q --detach w; cp -r w v; echo {n} > v/f",
    "a rebase in a worktree": f"{DETACHED}; GIT_SEQUENCE_EDITOR=true git rebase -q -i HEAD~1 --exec false",
    "a bisection in a worktree": f"{DETACHED}; git bisect start -q HEAD HEAD~1",
    "a worktree without HEAD": "git worktree add -q --detach w; echo {n} > w/f; rm .git/worktrees/w/HEAD",
    "a worktree with a name that is not UTF-8": r"git worktree add -q --detach $'w\xff'; echo {n} > $'w\xff/f'",
    "a gitfile that leads in a circle": "mkdir n; echo {n} > n/f; ln -s loop n/loop; echo gitdir: loop > n/.git",
    "a gitfile of zeros": "mkdir n; echo {n} > n/f; head -c 99 /dev/zero > n/.git",
    "branches where one is saved as part of the other": f"git checkout -q -b x-; {COMMIT}; "
    "git update-ref refs/heads/x/y $(git commit-tree -m y HEAD^{tree}); git checkout -q {branch}",
    "a read-only clone": "echo {n} > f; chmod -R a-w .",
    "a clone without rights": "echo {n} > f; chmod 0 .git/index .git/HEAD .git/objects .git .",
    "directories of git replaced": "echo {n} > f; cd .git; rm -rf hooks info; echo > hooks; ln -s /nowhere info",
    "files of git replaced": "echo {n} > f; cd .git; rm config info/exclude; mkdir config info/exclude",
    "a repository at a long path": "p=$(printf %0100d/%0100d/%0100d 1 2 3); git init -q $p; echo {n} > $p/f",
}
"""What was lost, or kept the next attempt from starting, at some time."""


@pytest.mark.parametrize("kind", ODD)
def test_odd_repositories_are_saved_and_opened_again(prepared: Stage, kind: str) -> None:
    attempt = Attempt(prepared.path / kind.replace(" ", "-"))
    shutil.copytree(prepared.start, attempt.path, symlinks=True)
    attempt.play([ODD[kind].replace("{n}", "1").replace("{branch}", BRANCH)])
    assert blob("1\n") in attempt.had()
    result = attempt.save(prepared.config)
    assert result["unsaved"] == {}
    assert blob("1\n") in attempt.remote_has()
    attempt.open(prepared.config)
    attempt.open(prepared.other)
