"""Where the submit functions are: one text (`--api-url`, ORCHESTRATOR_API_URL) for however they are deployed.

https://agents.example              the function's name is added: https://agents.example/submit_docs
https://{function}-x.a.run.app      the name is put in its place; in a host name with hyphens: submit-docs
submit_docs=URL,submit_code=URL     each function has a URL of its own, as with `orchestrator dev`
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from functions.clients.errors import WrongUsage
from functions.runs.model.kinds import RunKind

FUNCTIONS: Mapping[str, str] = {kind: f"submit_{kind.word}" for kind in RunKind}
VARIABLE = "ORCHESTRATOR_API_URL"
PLACE = "{function}"


def function_url(given: str | None, kind: str) -> str:
    """The URL of the submit function for `kind`, from what --api-url or ORCHESTRATOR_API_URL says.

    Raises:
        WrongUsage: there is none, or it is not an http or https URL.
    """
    function = FUNCTIONS[kind]
    text = (given or "").strip()
    if not text:
        raise WrongUsage(f"where are the functions? give --api-url or set {VARIABLE}, such as https://agents.example")
    listed = dict(each.strip().partition("=")[::2] for each in text.split(",")) if _is_list(text) else {}
    if listed and function not in listed:
        raise WrongUsage(f"{VARIABLE} or --api-url names no URL for {function}")
    return _checked(listed[function] if listed else _placed(text, function))


def _is_list(text: str) -> bool:
    return text.partition("=")[0] in FUNCTIONS.values()


def _placed(text: str, function: str) -> str:
    if PLACE not in text:
        return f"{text.rstrip('/')}/{function}"
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.replace(PLACE, function.replace('_', '-'))}{slash}{path.replace(PLACE, function)}"


def _checked(url: str) -> str:
    try:
        where = urlsplit(url)
        port = where.port  # a number that is none raises
    except ValueError:
        raise WrongUsage(f"{VARIABLE} or --api-url: not a URL") from None
    if where.scheme not in ("http", "https") or not where.hostname or port == 0 or not url.isprintable():
        raise WrongUsage(f"{VARIABLE} or --api-url: must be an http or https URL, such as https://agents.example")
    if not (where.path + where.query).isascii() or " " in url:
        raise WrongUsage(f"{VARIABLE} or --api-url: spaces and letters beyond ASCII must be written as %20 and such")
    if where.username is not None:
        raise WrongUsage(f"{VARIABLE} or --api-url: a URL must not hold credentials; set ORCHESTRATOR_TOKEN")
    return url
