"""A task given in the spec, in place of one of a repository: its rules, its names, and the issue it closes."""

from typing import Any

import pytest
from pydantic import ValidationError

from functions.runs.model import naming
from functions.runs.model.code_run_spec import CodeRunSpec, TaskDefinition
from functions.runs.model.run import problems
from tests.support.builders import CODE_SPEC

OWN_TASK = {"title": "Mend the basket", "text": "It loses items.", "url": "https://github.com/acme/shop/issues/12"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"task": OWN_TASK}, "taskId"),
        ({"taskId": None}, "task"),
        ({"platformRepositoryUrl": None}, "platformRepositoryUrl"),
        ({"taskId": None, "task": {"text": "x"}}, "task.title"),
        ({"taskId": None, "task": {"title": "two\nlines"}}, "task.title"),
        ({"taskId": None, "task": {"title": " "}}, "task.title"),
        ({"taskId": None, "task": {"title": "x", "text": "y" * 32_001}}, "task.text"),
        ({"taskId": None, "task": {"title": "x", "url": "javascript:alert(1)"}}, "task.url"),
    ],
)
def test_exactly_one_task_is_given_and_is_well_formed(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        CodeRunSpec.model_validate({**CODE_SPEC, **change})
    assert field in [name for name, _ in problems(refused.value)]


def test_an_inline_task_needs_no_platform_repository() -> None:
    spec = CodeRunSpec.model_validate({**CODE_SPEC, "taskId": None, "platformRepositoryUrl": None, "task": OWN_TASK})
    assert spec.task_repository_url == spec.repository_url
    assert spec.repositories == {"repositoryUrl": spec.repository_url}


@pytest.mark.parametrize(
    ("url", "task", "prefix", "closes", "exclusive"),
    [
        ("https://git.example/issues/12", "prompt", "api-prompt-", "", True),
        ("https://git.example/acme/shop/issues/12", "issue-12", "api-i12-", "Closes acme/shop#12", True),
        (None, "prompt", "api-prompt-", "", False),
    ],
)
def test_the_names_of_an_inline_task_follow_its_url(
    url: str | None, task: str, prefix: str, closes: str, exclusive: bool
) -> None:
    spec = CodeRunSpec.model_validate({**CODE_SPEC, "taskId": None, "task": {"title": "x", "url": url}})
    assert (spec.task_identity.id, spec.name_prefix, spec.closing_reference) == (task, prefix, closes)
    assert spec.task_identity.is_exclusive is exclusive
    assert spec.task_documents == f".taskmaster/docs/task-{task}"


@pytest.mark.parametrize(
    "url",
    [
        "http://GitHub.com/acme/shop/issues/12/",
        "https://github.com/Acme/SHOP/issues/12?x=1",
        "https://github.com:443/acme/shop/issues/12#issuecomment-7",
        "https://GITHUB.com:443/Acme/shop/issues/12/?x#y",
    ],
)
def test_every_url_of_an_issue_names_the_same_task(url: str) -> None:
    given = {**CODE_SPEC, "taskId": None, "repositoryUrl": "https://github.com/acme/shop"}
    written, other = (
        CodeRunSpec.model_validate({**given, "task": {"title": "x", "url": each}}) for each in (OWN_TASK["url"], url)
    )
    assert other.task_identity == written.task_identity
    assert naming.next_name(other, ()) == naming.next_name(written, ())
    assert (other.closing_reference, other.task and other.task.issue) == ("Closes #12", 12)


@pytest.mark.parametrize(
    "url", ["https://git.example/acme/shop/issues/12", "https://git.example:8443/acme/shop/issues/12"]
)
def test_the_identity_of_an_issue_is_its_url_in_lower_case(url: str) -> None:
    assert TaskDefinition.page_identity(url) == url, "names of runs and claims follow from it"


@pytest.mark.parametrize("end", ["/", "0", "?x", "#y"])
def test_other_pages_are_the_same_task_only_if_their_urls_are_equal(end: str) -> None:
    given = {**CODE_SPEC, "taskId": None}
    page, other = (
        CodeRunSpec.model_validate({**given, "task": {"title": "x", "url": f"https://git.example/page{rest}"}})
        for rest in ("", end)
    )
    assert other.task_identity != page.task_identity


def test_an_issue_of_the_same_repository_is_closed_by_its_number() -> None:
    url = "https://github.com/Acme/Shop/issues/12"
    given = {**CODE_SPEC, "taskId": None, "repositoryUrl": "git@github.com:acme/shop.git"}
    assert CodeRunSpec.model_validate({**given, "task": {"title": "x", "url": url}}).closing_reference == "Closes #12"
