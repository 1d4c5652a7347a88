"""URLs of the submit functions, from one text (`--api-url` or ORCHESTRATOR_API_URL).

https://agents.example              the function's name is appended: https://agents.example/submit_docs
https://{function}-x.a.run.app      {function} is replaced by the name; in a host name with hyphens: submit-docs
submit_docs=URL,submit_code=URL     a URL for each function, as `orchestrator dev` prints them
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from functions.clients.errors import WrongUsage
from functions.runs.model.kinds import RunKind

FUNCTIONS: Mapping[str, str] = {kind: kind.function for kind in RunKind}
VARIABLE = "ORCHESTRATOR_API_URL"
PLACEHOLDER = "{function}"


def function_url(given: str | None, kind: str) -> str:
    """Return the URL of the submit function for `kind`; `given` is the text of --api-url or ORCHESTRATOR_API_URL.

    Raises:
        WrongUsage: the text is missing, or has no valid http or https URL for the function.
    """
    function = FUNCTIONS[kind]
    text = (given or "").strip()
    if not text:
        raise WrongUsage(
            f"no URL of the submit functions: give --api-url or set {VARIABLE}, such as https://agents.example"
        )
    urls = dict(entry.strip().partition("=")[::2] for entry in text.split(",")) if _is_list(text) else {}
    if urls and function not in urls:
        raise WrongUsage(f"{VARIABLE} or --api-url names no URL for {function}")
    return _validated(urls[function] if urls else _with_function(text, function))


def _is_list(text: str) -> bool:
    return text.partition("=")[0] in FUNCTIONS.values()


def _with_function(text: str, function: str) -> str:
    if PLACEHOLDER not in text:
        return f"{text.rstrip('/')}/{function}"
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    host = host.replace(PLACEHOLDER, function.replace("_", "-"))
    return f"{scheme}://{host}{slash}{path.replace(PLACEHOLDER, function)}"


def _validated(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port  # raises ValueError if it is not a number
    except ValueError:
        raise WrongUsage(f"{VARIABLE} or --api-url: not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not url.isprintable():
        raise WrongUsage(f"{VARIABLE} or --api-url: must be an http or https URL, such as https://agents.example")
    if not (parts.path + parts.query).isascii() or " " in url:
        raise WrongUsage(
            f"{VARIABLE} or --api-url: spaces and non-ASCII characters must be percent-encoded, such as %20"
        )
    if parts.username is not None:
        raise WrongUsage(f"{VARIABLE} or --api-url: a URL must not hold credentials; set ORCHESTRATOR_TOKEN")
    return url
