"""CASES A6 to A8: the commit has the agent's work, also ignored documents, and no noise, caches or secrets."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from functions.runs.model.reasons import Reason
from functions.templating.render import task_files
from tests.agent.attempts import BRANCH, SAVED, pod_of, remote_contents, run_attempt
from tests.agent.conftest import SpecFactory
from tests.agent.remotes import git
from tests.agent.world import DEPLOY_TOKEN, TASKS, World, lay_out, plain_settings


@pytest.mark.parametrize("ignored", ["docs/", ".taskmaster/", "*.md", "*"])
def test_documents_are_committed_when_the_repository_ignores_them(
    world: World, docs_spec: SpecFactory, ignored: str
) -> None:
    work = world.path / "seed"
    world.remotes.create("fresh", {".taskmaster/tasks/tasks.json": json.dumps(TASKS)})
    git("clone", "--quiet", str(world.remotes.root / "fresh"), str(work), cwd=world.path)
    (work / ".gitignore").write_text(f"{ignored}\n")
    git("add", "--force", ".gitignore", cwd=work)
    git("commit", "--quiet", "-m", "ignore", cwd=work)
    git("push", "--quiet", "origin", "main", cwd=work)
    agent = "mkdir -p .taskmaster/docs/task-1; echo t > .taskmaster/docs/task-1/task.md; echo x > scratch.md"
    pod = pod_of(world, docs_spec(repositoryUrl="https://github.com/acme/fresh"), agent)
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert ".taskmaster/docs/task-1/task.md" in world.remotes.files("fresh", BRANCH)


def seed(world: World, attributes: str, content: bytes) -> None:
    """Commit a file unconverted, and attributes by which git would convert it."""
    work = world.path / "seed"
    git("clone", "--quiet", str(world.remotes.root / "shop"), str(work), cwd=world.path)
    (work / "dos.txt").write_bytes(content)
    git("add", "dos.txt", cwd=work)
    (work / ".gitattributes").write_text(f"{attributes}\n")
    git("add", ".gitattributes", cwd=work)
    git("commit", "--quiet", "-m", "dos", cwd=work)
    git("push", "--quiet", "origin", "main", cwd=work)


NOISE = [
    ("*.txt text eol=lf", b"one\r\ntwo\r\n"),
    ("*.txt text eol=crlf", b"one\r\ntwo\n"),
    ("*.txt text", b"one\r\ntwo\n"),
    ("*.txt ident", b"$Id: 123 $\n"),
    ("*.txt working-tree-encoding=UTF-16", b"one\n"),
]


@pytest.mark.parametrize(("attributes", "content"), NOISE)
def test_line_endings_and_encodings_are_not_committed_as_changes(
    world: World, code_spec: SpecFactory, attributes: str, content: bytes
) -> None:
    seed(world, attributes, content)
    result = run_attempt(world, code_spec(), "touch dos.txt; git status", "NO_CHANGES: nothing to do")
    assert (result.outcome, result.reason) == ("succeeded", Reason.NO_CHANGES)
    assert world.remotes.branches("shop") == ["main"]


def test_work_is_committed_when_a_link_leads_to_the_documents(world: World, code_spec: SpecFactory) -> None:
    result = run_attempt(world, code_spec(), "echo w > work; mv .taskmaster moved; ln -s moved .taskmaster")
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == [".taskmaster", "work"]


def test_change_is_committed_without_unrelated_line_endings(world: World, code_spec: SpecFactory) -> None:
    seed(world, *NOISE[0])
    result = run_attempt(world, code_spec(), "echo x > x")
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["x"]
    assert run_attempt(world, code_spec(), "echo three >> dos.txt", attempt=2).reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["dos.txt", "x"]


CACHES = (
    "mkdir -p node_modules/left-pad web/node_modules/x src/__pycache__ .pytest_cache env/bin target; "
    "for f in node_modules/left-pad/index.js web/node_modules/x/x.js src/__pycache__/a.pyc .pytest_cache/v src/b.pyc "
    "env/bin/python target/out .DS_Store; do echo x > $f; done; echo home = /usr > env/pyvenv.cfg; "
    "echo Signature: 8a477f597d28d172789f06886806bc55 > target/CACHEDIR.TAG"
)


def test_caches_are_not_committed(world: World, code_spec: SpecFactory) -> None:
    result = run_attempt(world, code_spec(), f"{CACHES}; echo w > work")
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["work"]
    assert "saved" not in result.message


def test_tracked_caches_are_committed(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {"node_modules/own/index.js": "a"})
    result = run_attempt(world, code_spec(), "echo changed > node_modules/own/index.js")
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["node_modules/own/index.js"]


AWS = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY"
GITHUB = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
"""Invented tokens in the format of real ones."""

SECRET = {
    "uncommitted": "printenv > .env",
    "committed": "printenv > .env; git add .env; git commit -qm env",
    "in history": "printenv > .env; git add .env; git commit -qm env; git rm -q .env; git commit -qm gone",
    "in a stash": "printenv > .env; git stash -qu",
    "on another branch": "git checkout -qb o; printenv > .env; git add .env; git commit -qm env; git checkout -q -",
    "in a message": 'echo m > m; git add m; git commit -qm "key $DEPLOY_TOKEN"',
    "in a tag": 'git tag -a v1 -m "key $DEPLOY_TOKEN"',
    "in a file's name": 'echo n > "$DEPLOY_TOKEN"',
    "in a large file": '(head -c 1048570 /dev/zero; printf %s "$DEPLOY_TOKEN"; head -c 2000000 /dev/zero) > large',
    "in a file and its name": 'printenv > "$DEPLOY_TOKEN"',
    "in names of branches": 'printenv > .env; git add .env; for n in a b; do git checkout -q -b "$n-$DEPLOY_TOKEN"; '
    "git commit -q --allow-empty -m $n; done; git checkout -q -",
    "in names of directories": 'git init -q "n-$DEPLOY_TOKEN"; printenv > "n-$DEPLOY_TOKEN/.env"; '
    'git worktree add -q --detach "w-$DEPLOY_TOKEN"; printenv > "w-$DEPLOY_TOKEN/.env"',
    "in a nested repository": "git init -q n; cd n; printenv > .env; git add .env; git commit -qm env",
}


@pytest.mark.parametrize("where", SECRET)
def test_secrets_of_the_run_are_not_pushed(world: World, code_spec: SpecFactory, where: str) -> None:
    pod = pod_of(world, code_spec(), f"(echo w > work; git add work; git commit -qm work; {SECRET[where]})")
    pod.environ = {**pod.environ, "DEPLOY_TOKEN": f'{DEPLOY_TOKEN}"x'}  # JSON escapes a quote
    result = pod.run()
    there = remote_contents(world)
    assert pod.broker
    for secret in (DEPLOY_TOKEN, pod.broker.ready.credential):
        assert secret not in there
        assert secret not in result.message
        assert secret not in pod.log
    assert not [name for name in world.remotes.branches("shop") if DEPLOY_TOKEN in name]
    assert "work" in world.remotes.files("shop", BRANCH), pod.log
    assert "secret" in result.message


ENCODED = """
code() { printf '%s%s' "$1" "$DEPLOY_TOKEN" | base64 --wrap 0; }
for before in "" u us; do code "$before" > "base64-$before"; done
printf '%s' "$DEPLOY_TOKEN" | base64 --wrap 10 > wrapped
python3 -c 'import json, os; print(json.dumps({"token": os.environ["DEPLOY_TOKEN"]}))' > json
python3 -c 'import os, urllib.parse; print(urllib.parse.quote(os.environ["DEPLOY_TOKEN"]))' > url
printf '%s\n  %s' "${DEPLOY_TOKEN:0:9}" "${DEPLOY_TOKEN:9}" > split
printf 'x=%s' "$DEPLOY_TOKEN" | gzip > packed.gz
git add .; git commit -qm "with $(code "")"; cat json base64-*
echo w > work
"""


def test_encoded_secrets_are_not_pushed_and_not_logged(world: World, code_spec: SpecFactory) -> None:
    token = f'{DEPLOY_TOKEN}"x\\'
    pod = pod_of(world, code_spec(), ENCODED, words=f"json: {json.dumps(token)}")
    pod.environ = {**pod.environ, "DEPLOY_TOKEN": token}
    result = pod.run()
    assert world.remotes.files("shop", BRANCH) == ["work"], pod.log
    for name in ("base64-", "base64-u", "base64-us", "wrapped", "json", "url", "split", "packed.gz"):
        assert f"withheld: {name}: it contains a secret of this run" in pod.log
    coded = [base64.b64encode(f"{before}{DEPLOY_TOKEN}".encode()).decode()[4:-4] for before in ("", "u", "us")]
    for text in (DEPLOY_TOKEN, *coded):
        assert text not in remote_contents(world)
        assert text not in pod.log
        assert text not in (result.summary or "")


PARTS = """
import io, unpushable
reads = []
class Content(io.BytesIO):
    def read(self, size=-1):
        reads.append(size)
        return super().read(size)
text = b"x" * 1048570 + b"a secret" + b"y" * 5000000
assert unpushable.search(Content(text), len(text), [b"a secret"])[0]
assert not unpushable.search(Content(text), len(text), [b"another"])[0]
assert 0 < min(reads) <= max(reads) <= 1 << 20, reads
"""


SLOW = """
import subprocess, own_git
from pathlib import Path
def run(*arguments, **options):
    raise subprocess.TimeoutExpired("git", 1, stderr=b"remote: policy: in a queue of 900\\n")
subprocess.run = run
try:
    own_git.Git(Path("."), Path(".")).run("push")
except own_git.GitError as error:
    assert str(error) == "git push failed: remote: policy: in a queue of 900 timed out: no time is left", error
else:
    raise AssertionError
"""


def test_timeout_of_a_push_includes_the_remotes_message(world: World, code_spec: SpecFactory) -> None:
    config = world.path / "config"
    lay_out(config, task_files(world.task(code_spec()), plain_settings()).files)
    subprocess.run([sys.executable, "-c", SLOW], env={"PYTHONPATH": str(config)}, check=True, timeout=60)


def test_large_file_is_searched_for_secrets_in_parts(world: World, code_spec: SpecFactory) -> None:
    config = world.path / "config"
    lay_out(config, task_files(world.task(code_spec()), plain_settings()).files)
    subprocess.run([sys.executable, "-c", PARTS], env={"PYTHONPATH": str(config)}, check=True, timeout=60)


def test_secrets_are_not_pushed_by_the_stop_hook(world: World, code_spec: SpecFactory) -> None:
    pod = pod_of(world, code_spec(), "printenv > .env; echo w > work; bash $POD_ROOT/config/hooks-stop-commit.sh")
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert DEPLOY_TOKEN not in remote_contents(world)
    assert world.remotes.files("shop", BRANCH) == ["work"]
    assert not [name for name in world.remotes.branches("shop") if name.startswith(SAVED)]


def test_suspected_secret_is_not_pushed(world: World, code_spec: SpecFactory, secretlint: str) -> None:
    """A value that is not a secret of this run but matches a secretlint rule, in any of the saved work."""
    agent = f"""
        PATH="$PATH:{Path(secretlint).parent}"; echo w > work; mkdir conf
        echo "aws_secret_access_key = {AWS}" > conf/aws; echo 'token: {GITHUB}' > conf/github
        git add conf/aws; git commit -qm aws; git stash -qu; git stash apply -q"""
    pod = pod_of(world, code_spec(), agent)
    pod.environ = {**pod.environ, "PATH": f"{pod.environ['PATH']}:{Path(secretlint).parent}"}
    result = pod.run()
    assert world.remotes.files("shop", BRANCH) == ["work"], pod.log
    assert "conf/aws (it contains what looks like a secret)" in result.message
    assert "conf/github (it contains what looks like a secret)" in result.message
    there = remote_contents(world)
    assert AWS not in there
    assert GITHUB not in there


def test_suspected_secret_of_the_base_branch_is_pushed(world: World, code_spec: SpecFactory, secretlint: str) -> None:
    world.remotes.commit("shop", {"example.env": f"TOKEN={GITHUB}\n"})
    url = "postgres://me:word@localhost/db"
    agent = f"echo {url} >> example.env; cp example.env copy; echo aws_secret_access_key={AWS} > new"
    pod = pod_of(world, code_spec(), agent)
    pod.environ = {**pod.environ, "PATH": f"{pod.environ['PATH']}:{Path(secretlint).parent}"}
    result = pod.run()
    assert world.remotes.files("shop", BRANCH) == ["copy", "example.env"], pod.log
    assert "new (it contains what looks like a secret)" in result.message


def test_missing_secret_scanner_is_logged(world: World, code_spec: SpecFactory) -> None:
    pod = pod_of(world, code_spec(), "echo w > work")
    assert pod.run().reason is Reason.COMPLETED
    assert pod.log.count("secretlint is not installed") == 1
