"""What is checked without the models of the specs is what the models say.

rules     of each field that is checked alone: the model's own, in the model's order
needed    fields that a spec must have
values    in order here: taken by the models, and sent as they would send it; out of order for the models: here too
else      fields, types and combinations that only the models know: left to them
"""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from functions.clients.errors import WrongUsage
from functions.clients.tasks import fast_validation
from functions.runs.model.fields import INT32, StringRule
from functions.runs.model.specs import SPECS, CodeRunSpec

URL = "https://git.example/shop.git"
PLAIN: dict[str, dict[str, Any]] = {
    "DocsRun": {"repository_url": URL, "model": "claude-x", "github_user": "octocat", "source_branch": "main"},
    "CodeRun": {
        "repository_url": URL,
        "model": "claude-x",
        "github_app": "5DLabs-Rex",
        "task_id": 3,
        "service": "shop",
        "platform_repository_url": "git@git.example:shop.git",
    },
}
IDENTITIES = {"github_user", "github_app"}
"""One of them is given, and a second one is refused."""
EDGES: tuple[Any, ...] = (
    "", "a", "A", "main", "a..b", "a.lock", "-a", "a b", "@", "a/b", "../a", ".git", ".", "/a", "a/", "x" * 64,
    "x" * 600, "claude-x", "gpt-5", "octo-cat", "octo--cat", "https://h/p", "https://u:p@h/p", "git@h:p", "a\n",
    "a\x00", "é", "\ud800",
    None, True, 0, 1, -1, 1.0, INT32, INT32 + 1, [], ["a"], b"a",
)  # fmt: skip


def rules(field: FieldInfo) -> list[Any]:
    """Of a text, also of one that may be left out."""
    inner = [each for part in get_args(field.annotation) for each in getattr(part, "__metadata__", ())]
    return [each for each in (*field.metadata, *inner) if isinstance(each, StringRule)]


@pytest.mark.parametrize("kind", SPECS)
def test_rules_are_those_of_the_models_in_their_order(kind: str) -> None:
    fields, plain = SPECS[kind].model_fields, fast_validation.PLAIN[kind]
    assert list(plain) == [name for name in fields if name in plain]
    for name in plain.keys() - {"task_id"}:
        assert rules(fields[name]) == list(plain[name].__metadata__), name
    assert fast_validation.NEEDED[kind] == {name for name, field in fields.items() if field.is_required()}


@pytest.mark.parametrize("kind", SPECS)
def test_what_most_people_give_is_in_order_and_sent_as_the_models_send_it(kind: str) -> None:
    every = {"working_directory": "a b", "platform_branch": "x", "platform_directory": "y", "branch": "z"}
    for more in (every, {}):
        plain = {name: text for name, text in more.items() if name in fast_validation.PLAIN[kind]}
        values = {**plain, **PLAIN[kind]}
        assert fast_validation.passes_fast_rules(kind, values)
        assert list(fast_validation.spec(kind, values).items()) == list(by_the_models(kind, values).items())


@pytest.mark.parametrize("kind", SPECS)
def test_each_field_with_values_at_its_edges(kind: str) -> None:
    for name in SPECS[kind].model_fields:
        taken = [value for value in EDGES if agrees(kind, {**PLAIN[kind], name: value})]
        assert bool(taken) is (name in fast_validation.PLAIN[kind].keys() - IDENTITIES | PLAIN[kind].keys()), name


@given(st.sampled_from(sorted(SPECS)), st.sampled_from(sorted(CodeRunSpec.model_fields)), st.text(max_size=80))
def test_each_field_with_any_text(kind: str, name: str, text: str) -> None:
    agrees(kind, {**PLAIN[kind], name: text})


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize(
    "change",
    [
        {"priority": 1},
        {"agent_cli": "codex", "model": "gpt-5"},
        {"env": [{"name": "A", "value": "1"}]},
        {"max_cost_usd": 1.5},
    ],
    ids=str,
)
def test_what_only_the_models_know_is_left_to_them(kind: str, change: dict[str, Any]) -> None:
    values = {**PLAIN[kind], **change}
    assert not fast_validation.passes_fast_rules(kind, values)
    assert fast_validation.spec(kind, values) == by_the_models(kind, values)


@pytest.mark.parametrize("kind", SPECS)
def test_a_field_less_or_one_too_many_is_told(kind: str) -> None:
    for name in fast_validation.NEEDED[kind]:
        with pytest.raises(WrongUsage, match=fast_validation.kebab(name)):
            fast_validation.spec(kind, {key: value for key, value in PLAIN[kind].items() if key != name})
    with pytest.raises(WrongUsage, match="exactly one of githubUser and githubApp"):
        fast_validation.spec(kind, {**PLAIN[kind], "github_user": "octocat", "github_app": "5DLabs-Rex"})


@pytest.mark.parametrize("kind", SPECS)
def test_the_names_on_the_wire(kind: str) -> None:
    fields = SPECS[kind].model_fields
    assert [fast_validation.camel(name) for name in fields] == [field.alias for field in fields.values()]


def agrees(kind: str, values: dict[str, Any]) -> bool:
    """Whether they are in order, which only those may be that the models take; both send the same then."""
    if not fast_validation.passes_fast_rules(kind, values):
        return False
    assert fast_validation.spec(kind, values) == by_the_models(kind, values)
    return True


def by_the_models(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    found = SPECS[kind].model_validate(values, strict=True, extra="forbid", by_alias=False, by_name=True)
    return found.model_dump(mode="json", by_alias=True, exclude_unset=True)
