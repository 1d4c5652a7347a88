"""What a push leaves out because of a secret of the run, and what it does not: the scripts on a real repository."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from functions.templating.render import task_files
from tests.agent.conftest import SpecFactory
from tests.agent.remotes import Remotes, git
from tests.agent.world import World, lay_out, plain_settings

PUSH = """
import json, os, sys
from pathlib import Path
import own_git, pushing, redact
git = own_git.view(Path(".git").resolve(), Path(".git/HEAD"), sys.argv[1], Path(sys.argv[2]))
remote = pushing.Remote(redact.known_secrets(dict(os.environ)))
remote.read(git)
pushed = remote.push(git, git.run("rev-parse", "HEAD"), "b")
print(json.dumps([pushed.withheld, pushed.message]))
"""

PASSWORD = "rootpassword"
TOKEN = "deploy-5e1f9a7c3b2d"
CONNECTION = json.dumps({"user": "app", "password": "hunter2-hunter2-xyz", "url": "postgres://a:b1@db/shop"})
ACCOUNT = {
    "type": "service_account",
    "pem": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhk9\n-----END PRIVATE KEY-----\n",
    "token_uri": "https://oauth2.googleapis.com/token",
}
PRETTY = json.dumps(ACCOUNT, indent=2)


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory, code_spec: SpecFactory) -> Path:
    """Return a directory with the task files."""
    root = tmp_path_factory.mktemp("scripts")
    world = World(root, Remotes(root))
    lay_out(root / "config", task_files(world.task(code_spec()), plain_settings()).files)
    return root / "config"


def push(
    scripts: Path, path: Path, secret: str, files: dict[str, str], message: str, base: dict[str, str]
) -> list[str]:
    """Push a commit of `files` on top of `base`; return the paths that were withheld."""
    remotes = Remotes(path / "remotes")
    remotes.root.mkdir()
    bare = remotes.create("shop", {"README.md": "shop\n", **base})
    git("clone", "--quiet", str(bare), str(path / "clone"), cwd=path)
    for name, text in files.items():
        (path / "clone" / name).parent.mkdir(exist_ok=True)
        (path / "clone" / name).write_text(text)
    git("add", "--all", cwd=path / "clone")
    git("commit", "--quiet", "--allow-empty", "-m", message, cwd=path / "clone")
    (path / "home").mkdir()
    command = [sys.executable, "-c", PUSH, str(bare), str(path / "home")]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(scripts), "THE_CREDENTIALS": secret}
    done = subprocess.run(
        command, cwd=path / "clone", env=environ, stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    withheld, problem = json.loads(done.stdout.splitlines()[-1])
    assert problem == ""
    assert "b" in remotes.branches("shop")
    return [*withheld]


HARMLESS: dict[str, tuple[str, dict[str, str], str]] = {
    "words in a message": (PASSWORD, {"x": "x"}, "Change the root password by a setting"),
    "words in a file's name": (PASSWORD, {"docs/root password.md": "x"}, "m"),
    "adjacent lines": (PASSWORD, {"compose.yaml": "user: root\n  password: x\n"}, "m"),
    "structure of JSON": (
        PRETTY,
        {"a.json": f'{{\n  "type": "service_account",\n  "u": "{ACCOUNT["token_uri"]}"}}'},
        "m",
    ),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_text_that_only_resembles_a_secret_is_pushed(scripts: Path, tmp_path: Path, what: str) -> None:
    secret, files, message = HARMLESS[what]
    assert push(scripts, tmp_path, secret, files, message, {}) == []


def test_secret_that_the_remote_already_has_is_pushed(scripts: Path, tmp_path: Path) -> None:
    base = {".env.example": f"PASSWORD={TOKEN}\n", f"docs/{TOKEN}.md": "x"}
    files = {
        ".env.example": f"PASSWORD={TOKEN}\nPORT=1\n",
        "docs/more.md": "x",
        "coded": b64encode(TOKEN.encode()).decode(),
    }
    assert push(scripts, tmp_path, TOKEN, files, "m", base) == ["coded"]


SECRET = {
    "over two lines": (f"{TOKEN}0", f"{TOKEN}\n  0"),
    "of JSON": (CONNECTION, "postgres://app:hunter2-hunter2-xyz@db"),
    "of a URL in JSON": (CONNECTION, "postgres://a:b1@db/shop"),
    "of a line of JSON": (PRETTY, "MIIEvQIBADANBgkqhk9"),
    "in a number": ("123456789012", "pin: 123456789012"),
    **{
        f"in a URL with {safe}": ("a/b!c*d'e(f)g+h", quote("a/b!c*d'e(f)g+h", safe=safe)) for safe in ("", "/", "!'()*")
    },
}


@pytest.mark.parametrize("what", SECRET)
def test_secret_is_withheld(scripts: Path, tmp_path: Path, what: str) -> None:
    secret, text = SECRET[what]
    assert push(scripts, tmp_path, secret, {"x": text, "work": "w"}, "m", {}) == ["x"]
