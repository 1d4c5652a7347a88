"""Pull requests."""

from typing import TYPE_CHECKING, Any

from tests.support.github.calls import Call, page, refuse, route
from tests.support.github.content import Repository

if TYPE_CHECKING:
    from tests.support.github.server import Github


@route("GET", "/repos/{repository}/pulls", "pull_requests")
def pulls(github: "Github", call: Call, repository: Repository) -> Any:
    state, head, base = (call.query.get(name, "") for name in ("state", "head", "base"))
    found = [
        each
        for each in repository.pulls.values()
        if state == "all" or each["state"] == (state or "open")
        if not head or each["head"]["label"] == head
        if not base or each["base"]["ref"] == base
    ]
    return page(github, call, found[::-1])


@route("POST", "/repos/{repository}/pulls", "pull_requests")
def open_pull(github: "Github", call: Call, repository: Repository) -> Any:
    head, base = call.body["head"].split(":")[-1], call.body["base"]
    for field, branch in (("head", head), ("base", base)):
        if branch not in repository.tips():
            error = {"resource": "PullRequest", "field": field, "code": "invalid"}
            raise refuse(422, "Validation Failed", [error])
    for each in repository.pulls.values():
        if (each["state"], each["head"]["ref"], each["base"]["ref"]) == ("open", head, base):
            said = f"A pull request already exists for {repository.owner}:{head}."
            raise refuse(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": said}])
    by = f"{github.app.slug}[bot]"
    return repository.open_pull(head, base, call.body["title"], call.body.get("body"), by)


@route("GET", "/repos/{repository}/pulls/{number}", "pull_requests")
def pull(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    found = repository.pulls.get(int(number))
    if found is None:
        raise refuse(404, "Not Found")
    return found


@route("PATCH", "/repos/{repository}/pulls/{number}", "pull_requests")
def update(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    found = pull(github, call, repository, number)
    found |= {key: call.body[key] for key in ("title", "body") if key in call.body}
    return found


@route("GET", "/repos/{repository}/pulls/{number}/reviews/{review}/comments", "pull_requests")
def review_comments(github: "Github", call: Call, repository: Repository, number: str, review: str) -> Any:
    found = [each for each in repository.review_comments.values() if str(each["pull_request_review_id"]) == review]
    return page(github, call, found)


@route("POST", "/repos/{repository}/pulls/comments/{number}/reactions", "pull_requests")
def react(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    if int(number) not in repository.review_comments:
        raise refuse(404, "Not Found")
    repository.reactions.append({"comment": int(number), "content": call.body["content"]})
    return repository.reactions[-1]


@route("GET", "/repos/{repository}/pulls/{number}/comments", "pull_requests")
def line_comments(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    written = repository.review_comments.values()
    return page(github, call, [each for each in written if each["pull_request_url"].endswith(f"/pulls/{number}")])


@route("GET", "/repos/{repository}/pulls/{number}/reviews", "pull_requests")
def reviews(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    return page(github, call, repository.reviews.get(int(number), []))


@route("GET", "/repos/{repository}/pulls/{number}/reviews/{review}", "pull_requests")
def one_review(github: "Github", call: Call, repository: Repository, number: str, review: str) -> Any:
    for each in repository.reviews.get(int(number), []):
        if str(each["id"]) == review:
            return each
    raise refuse(404, "Not Found")


@route("GET", "/repos/{repository}/pulls/comments/{number}", "pull_requests")
def review_comment(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    if int(number) not in repository.review_comments:
        raise refuse(404, "Not Found")
    return repository.review_comments[int(number)]
