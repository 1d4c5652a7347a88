"""CASES A9 and "Missing for the agent": the instructions that reach the model, from memory files and the attempt."""

import json
from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH
from tests.agent.conftest import SpecFactory
from tests.agent.model_server import says
from tests.world.claude_code import ClaudeCode, shell

OTHER_SESSION = "11111111-1111-5111-8111-111111111111"
LOOKED = says("NO_CHANGES: only looked")


def memory(cli: ClaudeCode, spec: Any, files: dict[str, str]) -> str:
    """Return the agent's instructions for a repository with these files on its base branch."""
    cli.world.remotes.commit("shop", files)
    return cli.run(spec, LOOKED).instructions


def test_symbolic_link_as_memory_file_is_followed(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    cli.world.remotes.commit("shop", {"AGENTS.md": "M-AGENTS\n"})
    cli.world.remotes.link("shop", "CLAUDE.md", "AGENTS.md")
    instructions = cli.run(code_spec(), LOOKED).instructions
    assert "# From the repository: CLAUDE.md\n\nM-AGENTS\n" in instructions
    assert instructions.count("M-AGENTS") == 1


@pytest.mark.parametrize("target", ["../../../../etc/hostname", "/etc/hostname", "CLAUDE.md", "nowhere.md"])
def test_broken_or_outward_link_as_memory_file_is_ignored(cli: ClaudeCode, code_spec: SpecFactory, target: str) -> None:
    cli.world.remotes.link("shop", "CLAUDE.md", target)
    done = cli.run(code_spec(), LOOKED)
    assert done.report.reason is Reason.NO_CHANGES, done.pod.log
    assert "From the repository" not in done.instructions


def test_imports_in_memory_files_are_followed(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    files = {
        "CLAUDE.md": "M-CLAUDE @docs/a.md and `@docs/code.md`\n```\n@docs/fence.md\n```\nme@docs/mail.md\n",
        "docs/a.md": "M-A @b.md\n@./with\\ space.md\n@../CLAUDE.md\n",
        "docs/b.md": "M-B @~/x.md @/etc/passwd @../../outside.md\n",
        "docs/with space.md": "M-SPACE\n",
        **{f"docs/{name}.md": f"M-{name}\n" for name in ("code", "fence", "mail")},
    }
    instructions = memory(cli, code_spec(), files)
    assert all(f"M-{name}" in instructions for name in ("CLAUDE", "A", "B", "SPACE"))
    assert not any(f"M-{name}" in instructions for name in ("code", "fence", "mail"))
    assert "root:" not in instructions


def test_agents_md_is_read_when_claude_md_is_missing(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    files = {"AGENTS.md": "M-ROOT\n", "src/AGENTS.md": "M-SRC-AGENTS\n", "src/CLAUDE.md": "M-SRC-CLAUDE\n"}
    instructions = memory(cli, code_spec(workingDirectory="src"), files)
    assert "M-ROOT" in instructions
    assert "# From the repository: ./CLAUDE.md\n\nM-SRC-CLAUDE" in instructions
    assert "M-SRC-AGENTS" not in instructions


def test_nested_memory_files_and_rules_are_in_the_instructions(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    files = {
        "src/CLAUDE.md": "M-NESTED\n",
        ".claude/CLAUDE.md": "M-DOT\n",
        ".claude/rules/tests.md": "M-RULE\n",
        "CLAUDE.md": "M-CLAUDE\n<!-- M-COMMENT -->\n",
    }
    instructions = memory(cli, code_spec(), files)
    assert "src/CLAUDE.md (for work in src/)" in instructions
    assert all(f"M-{name}" in instructions for name in ("NESTED", "DOT", "RULE", "CLAUDE"))
    assert "M-COMMENT" not in instructions


def test_memory_files_of_the_run_s_branch_are_ignored(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    cli.world.remotes.commit("shop", {"CLAUDE.md": "M-BASE @more.md\n", "more.md": "M-MORE\n"})
    cli.world.remotes.commit("shop", {"more.md": "M-EVIL\n", "src/CLAUDE.md": "M-EVIL\n"}, branch=BRANCH)
    instructions = cli.run(code_spec(), LOOKED, attempt=2).instructions
    assert "M-MORE" in instructions
    assert "M-EVIL" not in instructions


def test_settings_skills_and_notes_of_an_earlier_run_have_no_effect(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    evil = {
        "settings.json": json.dumps({"env": {"EVIL": "1"}, "permissions": {"deny": ["Bash"]}}),
        "skills/evil/SKILL.md": "---\nname: evil\ndescription: M-EVIL\n---\nx\n",
        "commands/evil.md": "M-EVIL\n",
    }
    plant = [f"mkdir -p $(dirname {name}); cat >{name} <<'EOF'\n{text}\nEOF" for name, text in evil.items()]
    note = 'for d in projects/*/; do mkdir -p "$d/memory"; echo M-EVIL > "$d/memory/MEMORY.md"; done'
    cli.run(code_spec(), shell("\n".join(['cd "$CLAUDE_CONFIG_DIR"', *plant, note])), LOOKED)
    done = cli.run(
        code_spec(), shell("echo ${EVIL:-none} > seen"), says("Done."), task={"run": "r2", "session_id": OTHER_SESSION}
    )
    assert done.report.reason is Reason.COMPLETED, done.pod.log
    assert "M-EVIL" not in json.dumps(done.model.requests)
    assert cli.world.remotes.show("shop", f"{done.report.branch}:seen") == "none\n"


def test_instructions_name_only_documents_that_exist(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    instructions = cli.run(code_spec(), LOOKED).instructions
    for name in ("architecture.md", "prd.txt", "prd.md", "acceptance-criteria.md", "task.txt", "CONTRIBUTING"):
        assert name not in instructions, name
    assert "- .taskmaster/docs/task-1/prompt.md\n" in instructions


CONVENTIONS = {
    ".github/PULL_REQUEST_TEMPLATE.md": "## What\n\n## Why\n",
    "CONTRIBUTING.md": "be kind\n",
    "commitlint.config.js": "module.exports = {}\n",
}


def test_instructions_state_limits_and_repository_conventions(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    cli.world.remotes.commit("shop", CONVENTIONS, message="feat(shop): conventions")
    instructions = cli.run(code_spec(maxTurns=7), LOOKED).instructions
    for words in (
        "It ends itself at ",
        "Turns: at most 7.",
        "uid 1000",
        "Never end with a question or by waiting",
        "stopped after 10 minutes",
        "- feat(shop): conventions\n",
        *(f"- {name}\n" for name in CONVENTIONS),
    ):
        assert words in instructions, words
