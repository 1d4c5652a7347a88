"""Sequences of git and file operations of an agent, followed by the end of the container script.

Each operation may write a file whose text is the operation's own number, so that lost content is found by its text.
After the sequence, one of two invariants holds for each text in the workspace:
- a branch of the remote reaches it, or
- the result from which the report is made names it as unsaved.
Then a further attempt of the run opens the repository, and an attempt of another run.

tests/world/saving_bench.py runs the scripts without a pod: 200 sequences take two minutes.
`SEED=n` replays one sequence; seeds of failures are printed.
"""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.agent.attempts import BRANCH, blob
from tests.conftest import SCALE
from tests.world.saving_bench import COMMIT, Stage

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
"""Bash; {n} is the operation's number, {branch} the run's branch."""

assert len(OPERATIONS) >= 40
SEQUENCES = st.lists(st.integers(0, len(OPERATIONS) - 1), min_size=1, max_size=8)


def check(stage: Stage, number: int, chosen: list[int]) -> None:
    """Run one sequence and check that no content is lost."""
    attempt = stage.attempt(f"sequence-{number}")
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
"""Sequences of one example; they run concurrently, because most of the time is spent in git."""

COUNT = max(1, round(200 * SCALE))
START = int(os.environ.get("SEED", "1"))


@pytest.mark.timeout(max(600, 6 * COUNT))
def test_content_of_any_sequence_of_operations_is_saved_or_named(stage: Stage, record_property: Any) -> None:
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
            for done in [pool.submit(check, stage, next(numbers), each) for each in chosen]:
                done.result()

    play()
    count, texts = len(stage.looked_for), sum(stage.looked_for)
    summary = f"what an agent may leave: {count} sequences, {texts} texts (SCALE={SCALE:g}, SEED={START})"
    record_property("summary", summary)
    assert count >= COUNT
    assert texts > count, "most operations write content"
