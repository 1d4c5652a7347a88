"""CASES A1 to A3: work is pushed from any state of the repository, and the repository can be opened again."""

import pytest

from tests.agent.attempts import BRANCH, SAVED, blob
from tests.world.saving_bench import COMMIT, Stage

COMMIT_X = "echo x > x; git add x; git commit -qm x"
LEFT = {
    "another branch": f"git checkout -q -b other origin/main; {COMMIT_X}; git checkout -q -",
    "a tag": f"git checkout -q --detach; {COMMIT_X}; git tag -a v1 -m words; git checkout -q -",
    "a detached commit": "git checkout -q --detach; echo x > x; git add x; git commit -qm x; git checkout -q -",
    "an orphan branch": "git checkout -q --orphan lone; echo x > x; git add x; git commit -qm x; git checkout -qf -",
    "a renamed branch": "echo x > x; git add x; git commit -qm x; git branch -m other",
    "an unborn branch": "git checkout -q --orphan lone; git rm -rqf .; echo x > x",
    "staged and deleted": "echo x > x; git add x; rm x",
    "staged and changed": "echo x > x; git add x; echo y > x",
    "hidden by the index": "echo x > README.md; git update-index --assume-unchanged README.md",
    "skipped by the index": "echo x > README.md; git update-index --skip-worktree README.md",
    "hidden by the clone": "echo x > x; echo x > .git/info/exclude",
    "hidden by an ignore file": "echo x > x; echo x > $POD_ROOT/e; git config core.excludesFile $POD_ROOT/e",
    "hidden by a setting": "echo x > x; git config status.showUntrackedFiles no",
    "a nested clone with commits": "git init -q n; cd n; echo x > x; git add x; git commit -qm x",
    "a nested stash": "git init -q n; cd n; git commit -q --allow-empty -m e; echo x > x; git stash -qu",
    "a nested repository in a nested one": "git init -q n; cd n; git init -q m; echo x > m/x",
    "two repositories with names alike": "git init -q 'a b'; echo x > 'a b/x'; git init -q a-b; echo y > a-b/y",
    "a gitfile that leads nowhere": "mkdir n; echo gitdir: /nowhere > n/.git; echo x > n/x",
    "an unreadable file": "echo x > x; chmod 0 x",
    "an unreadable directory": "mkdir d; echo x > d/x; chmod 0 d",
    "a name git refuses": "mkdir d; echo x > 'd/git~1'",
    "a name that is not UTF-8": r"echo x > $'\xff\xfe'",
    "a name with a line end": r"echo x > $'a\nb'",
    "a sparse checkout": "git sparse-checkout set src; echo x > src/x",
    "the repository made anew": "rm -rf .git; git init -q; echo x > x; git add x; git commit -qm x",
    "a bisect": "echo x > x; git add x; git commit -qm x; git bisect start -q HEAD HEAD~1",
    "notes": "git notes add -m 'x' HEAD; git config core.bare true",
    "a replaced commit": "echo x > x; git add x; git commit -qm x; git replace HEAD HEAD~1",
}


@pytest.mark.parametrize("kind", LEFT)
def test_work_is_pushed_from_any_state_of_the_repository(stage: Stage, kind: str) -> None:
    attempt = stage.attempt(f"left {kind}")
    attempt.play([LEFT[kind]])
    result = attempt.save(stage.config)
    assert blob("x\n") in attempt.remote_has()
    saved = [name for name in attempt.branches() if name not in ("main", BRANCH)]
    assert all(name.startswith(f"{SAVED}/") for name in saved)
    assert saved == sorted(result["saved"].values())
    attempt.open(stage.config)
    attempt.open(stage.other)


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
    "pipes among the files": "echo {n} > f; rm README.md; mkfifo README.md .gitignore .gitmodules src/.gitattributes",
    "a nested repository without rights": "git init -q n; cd n; echo {n} > f; git add f; git commit -qm {n}; "
    "chmod 0 .git/HEAD .git/config .git/index .git .",
    "a cache whose name has a line end": r"mkdir -p $'x\nsrc'; touch $'x\nsrc/CACHEDIR.TAG'; echo {n} > src/new",
    "files of the base branch damaged": "echo {n} > f; o=$(git rev-parse origin/main:src); "
    "o=.git/objects/${o:0:2}/${o:2}; chmod u+w $o; : > $o",
    "a directory of objects damaged": "echo {n} > f; rm -rf .git/objects/d0; ln -s /proc .git/objects/d0",
    "a reference of another kind": f"{COMMIT}; git update-ref refs/orchestrator/a HEAD; git reset -q --hard HEAD~1",
    "a repository at a long path": "p=$(printf %0100d/%0100d/%0100d 1 2 3); git init -q $p; echo {n} > $p/f",
}
"""States that once lost work or blocked the next attempt."""

PIPES = {
    "pipes in place of files of git": "echo {n} > f; cd .git; mkdir -p logs/refs; "
    "rm -f HEAD index config packed-refs logs/HEAD info/exclude; ln -s /dev/zero info/exclude; "
    "mkfifo HEAD index config packed-refs logs/HEAD logs/refs/stash MERGE_HEAD shallow refs/heads/p",
    "pipes in a nested repository": "git init -q n; echo {n} > n/f; rm n/.git/HEAD; mkfifo n/.git/HEAD n/.gitignore",
    "a pipe in a worktree elsewhere": "git worktree add -q --detach ../w; echo {n} > ../w/f; mkfifo ../w/.gitignore",
}
"""States in which plain git would wait for ever."""


@pytest.mark.parametrize("kind", [*ODD, *PIPES])
def test_damaged_or_unusual_repositories_are_saved_and_opened_again(stage: Stage, kind: str) -> None:
    attempt = stage.attempt(kind)
    attempt.play([(ODD | PIPES)[kind].replace("{n}", "1").replace("{branch}", BRANCH)])
    assert kind in PIPES or blob("1\n") in attempt.had()
    result = attempt.save(stage.config)
    assert result["unsaved"].keys() == ({".git"} if kind.endswith("damaged") else set())
    assert blob("1\n") in attempt.remote_has()
    attempt.open(stage.config)
    attempt.open(stage.other)
