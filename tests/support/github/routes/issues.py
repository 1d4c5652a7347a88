"""Issues, and comments on them and on pull requests."""

from typing import TYPE_CHECKING, Any

from tests.support.github.calls import Call, Reply, page, refuse, route
from tests.support.github.content import Repository

if TYPE_CHECKING:
    from tests.support.github.server import Github

LONGEST = 65536


def _issue(repository: Repository, number: str) -> Any:
    found = repository.issues.get(int(number)) if number.isdigit() else None
    if found is None:
        raise refuse(404, "Not Found")
    return found


def _comment(repository: Repository, number: str) -> Any:
    found = repository.comments.get(int(number))
    if found is None:
        raise refuse(404, "Not Found")
    return found


def _text(call: Call) -> str:
    text = (call.body or {}).get("body")
    if not isinstance(text, str) or not text or len(text) > LONGEST:
        error = {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body is too long"}
        raise refuse(422, "Validation Failed", [error])
    return text


@route("GET", "/repos/{repository}/issues/{number}", "issues")
def issue(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    return _issue(repository, number)


@route("GET", "/repos/{repository}/issues/{number}/comments", "issues")
def comments(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    _issue(repository, number)
    return page(github, call, repository.comments_on(int(number)))


@route("POST", "/repos/{repository}/issues/{number}/comments", "issues")
def make_comment(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    if _issue(repository, number)["locked"]:
        raise refuse(403, "Unable to create comment because issue is locked.")
    by = f"{github.app.slug}[bot]"
    return repository.comment(int(number), _text(call), by, github.app.shown())


@route("GET", "/repos/{repository}/issues/comments/{number}", "issues")
def comment(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    return _comment(repository, number)


@route("PATCH", "/repos/{repository}/issues/comments/{number}", "issues")
def edit_comment(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    found = _comment(repository, number)
    found |= {"body": _text(call), "updated_at": repository.place.now()}
    return found


@route("DELETE", "/repos/{repository}/issues/comments/{number}", "issues")
def delete_comment(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    del repository.comments[_comment(repository, number)["id"]]
    return Reply(204)


@route("POST", "/repos/{repository}/issues/comments/{number}/reactions", "issues")
def react(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    made = {"comment": _comment(repository, number)["id"], "content": call.body["content"]}
    known = made in repository.reactions
    if not known:
        repository.reactions.append(made)
    return Reply(200 if known else 201, {"id": 1, **made})


@route("POST", "/repos/{repository}/issues/{number}/reactions", "issues")
def react_to_issue(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    """Create a reaction to an issue; 200 if it exists."""
    made = {"issue": _issue(repository, number)["number"], "content": call.body["content"]}
    known = made in repository.reactions
    if not known:
        repository.reactions.append(made)
    return Reply(200 if known else 201, {"id": 1, **made})
