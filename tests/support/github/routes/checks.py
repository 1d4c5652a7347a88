"""Check runs."""

from typing import TYPE_CHECKING, Any

from functions.github.json_fields import dig_number
from tests.support.github.calls import Call, page, refuse, route
from tests.support.github.content import Repository

if TYPE_CHECKING:
    from tests.support.github.server import Github


@route("POST", "/repos/{repository}/check-runs", "checks")
def make_check(github: "Github", call: Call, repository: Repository) -> Any:
    if call.body.get("head_sha") not in repository.tips().values():
        raise refuse(422, "No commit found for SHA")
    number = next(repository.place.ids)
    url = f"{repository.html_url}/runs/{number}"
    made = {"id": number, "html_url": url, "external_id": "", "conclusion": None, "app": github.app.shown()}
    repository.checks[number] = _whole(made | call.body)
    return repository.checks[number]


@route("PATCH", "/repos/{repository}/check-runs/{number}", "checks")
def change_check(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    found = repository.checks.get(int(number))
    if found is None:
        raise refuse(404, "Not Found")
    reopens = call.body.get("status", "completed") != "completed"
    repository.checks[int(number)] = _whole(found | ({"conclusion": None} if reopens else {}) | call.body)
    return repository.checks[int(number)]


@route("GET", "/repos/{repository}/commits/{ref}/check-runs", "checks")
def checks(github: "Github", call: Call, repository: Repository, ref: str) -> Any:
    """Return the last run of each check, unless `filter` is all (List check runs for a Git reference)."""
    commit = repository.tips().get(ref, ref)
    found = [each for each in repository.checks.values() if each["head_sha"] == commit]
    if call.query.get("filter", "latest") == "latest":
        found = list({(dig_number(each, "app", "id"), each["name"]): each for each in found}.values())
    wanted = {name: call.query[name] for name in ("check_name", "status") if name in call.query}
    wanted = {"name" if name == "check_name" else name: text for name, text in wanted.items()}
    return page(github, call, [each for each in found if wanted.items() <= each.items()], "check_runs")


def _whole(check: dict[str, Any]) -> dict[str, Any]:
    """Set the status of a check with a conclusion to completed (Create a check run: conclusion)."""
    if not check.get("name"):
        raise refuse(422, "Invalid request: name is required")
    if check.get("conclusion"):
        return check | {"status": "completed"}
    if check.get("status") == "completed":
        raise refuse(422, "Invalid request: conclusion is required with status completed")
    return {"status": "queued"} | check


@route("GET", "/repos/{repository}/check-runs/{number}/annotations", "checks")
def annotations(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    return page(github, call, repository.annotations.get(int(number), []))


@route("GET", "/repos/{repository}/commits/{ref}/status", "statuses")
def combined_status(github: "Github", call: Call, repository: Repository, ref: str) -> Any:
    """Return the last status of each context (Get the combined status for a specific reference)."""
    latest = {each["context"]: each for each in repository.statuses if each["sha"] == ref}
    return page(github, call, list(latest.values()), "statuses")
