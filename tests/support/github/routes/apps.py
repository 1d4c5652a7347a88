"""Endpoints of the App: installations, tokens, deliveries of its webhook."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.support.github.calls import Call, Reply, refuse, route

if TYPE_CHECKING:
    from tests.support.github.server import Github


@route("GET", "/app")
def app(github: "Github", call: Call) -> Any:
    return github.app.shown()


@route("GET", "/app/installations")
def installations(github: "Github", call: Call) -> Any:
    found = {each.installation: each.owner for each in github.repositories if each.installation is not None}
    return [{"id": number, "account": {"login": owner}, "suspended_at": None} for number, owner in found.items()]


@route("GET", "/repos/{repository}/installation")
def installation(github: "Github", call: Call, repository: str) -> Any:
    found = github.find(repository)
    if found.installation is None:
        raise refuse(404, "Not Found")
    return {"id": found.installation, "app_id": github.app.id, "account": {"login": found.owner}}


@route("POST", "/app/installations/{number}/access_tokens")
def access_token(github: "Github", call: Call, number: str) -> Any:
    theirs = [each for each in github.repositories if each.installation == int(number)]
    if not theirs:
        raise refuse(404, "Not Found")
    asked = call.body or {}
    names, wanted = asked.get("repositories"), asked.get("repository_ids")
    granted = [each for each in theirs if each.full_name.split("/")[1] in (names or ()) or each.id in (wanted or ())]
    if len(granted) != len(names or wanted or ()):
        raise refuse(422, "There is at least one repository that does not exist or is not accessible")
    may = github.app.permissions
    if any(may.get(name) not in (level, "write") for name, level in (asked.get("permissions") or {}).items()):
        raise refuse(422, "The permissions requested are not granted to this installation.")
    made = github.app.make(int(number), granted or None, asked.get("permissions"), github.clock())
    shown = {"token": made.text, "permissions": made.permissions}
    return shown | {"expires_at": made.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")}


@route("GET", "/app/hook/deliveries")
def deliveries(github: "Github", call: Call) -> Any:
    size, cursor = min(100, int(call.query.get("per_page", "30"))), call.query.get("cursor", "")
    kept = [each for each in github.hook.kept() if not cursor or each.id <= int(cursor.removeprefix("v1_"))]
    following = urlencode({**call.query, "cursor": f"v1_{kept[size].id}"}) if len(kept) > size else ""
    headers = {"Link": f'<{github.url}{call.path}?{following}>; rel="next"'} if following else {}
    return Reply(200, [each.shown() for each in kept[:size]], headers)


@route("POST", "/app/hook/deliveries/{number}/attempts")
def attempt(github: "Github", call: Call, number: str) -> Any:
    if not any(each.id == int(number) for each in github.hook.kept()):
        raise refuse(404, "Not Found")
    return Reply(202, {}, afterwards=lambda: github.hook.again(int(number)))
