"""The types of the fields of a run, each with its rule, written once. Pure."""

import re
from typing import Annotated

from functions.runs.model.field_rules import Forbidden, IntOrStringRule, StringRule

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
"""RFC 1123 label, as Kubernetes checks it (apimachinery, validation.IsDNS1123Label)."""

DnsLabel = Annotated[
    str,
    StringRule(
        DNS_LABEL, "must be lower case letters, digits and '-', starting and ending alphanumeric", max_length=63
    ),
]


def dns_label(text: str) -> str:
    """Return the DNS label nearest to `text`: in lower case, with '-' for all else; empty if nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:63].strip("-")


Service = Annotated[
    str,
    StringRule(
        DNS_LABEL,
        "must be lower case letters, digits and '-', starting and ending alphanumeric",
        max_length=63,
        spelling=dns_label,
    ),
]

AgentCli = Annotated[
    str, StringRule(DNS_LABEL, "must be a directory of templates/: lower case letters, digits and '-'", max_length=40)
]

_PATH = r"[A-Za-z0-9._~%+/:@-]*[A-Za-z0-9._~%+/-]"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?"
RepositoryUrl = Annotated[
    str,
    StringRule(
        rf"^(https://{_HOST}/{_PATH}|ssh://([A-Za-z0-9_][A-Za-z0-9._-]*@)?{_HOST}/{_PATH}"
        rf"|[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:{_PATH})$",
        "must be https://host/path, ssh://[user@]host/path or user@host:path, without credentials",
        max_length=512,
    ),
]

# git check-ref-format(1), plus: no leading '-' (an option to git) and only printable ASCII.
Branch = Annotated[
    str,
    StringRule(
        r"^[!-~]+$",
        "must be a git branch name: printable ASCII without spaces",
        (
            Forbidden(r"[ ~^:?*\[\\]", "must be a git branch name: none of space ~ ^ : ? * [ \\"),
            Forbidden(r"\.\.|//|@\{", "must be a git branch name: no '..', '//' or '@{'"),
            Forbidden(r"^[-/.]|/\.|/$|\.$|^@$", "must be a git branch name: bad start or end of a part"),
            Forbidden(r"\.lock(/|$)", "must be a git branch name: no part ends with '.lock'"),
        ),
        max_length=200,
    ),
]

WorkingDirectory = Annotated[
    str,
    StringRule(
        r"^[^\x00-\x1f\x7f/\\-][^\x00-\x1f\x7f\\]*$",
        "must be a relative directory of the repository, with '/' and without control characters",
        (
            Forbidden(r"(^|/)\.\.(/|$)", "must not climb out of the repository: no '..'"),
            Forbidden(r"(^|/)\.git(/|$)", "must not be inside .git"),
        ),
        max_length=400,
    ),
]

Model = Annotated[
    str,
    StringRule(
        r"^[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]*$",
        "must be a model's name, passed to the agent CLI as it is",
        max_length=256,
    ),
]

CLAUDE_MODEL = r"claude|^(opus|sonnet|haiku|fable|best|default|opusplan)(\[1m\])?$|^arn:aws[a-z-]*:bedrock:"
"""Models of the agent CLI claude: full names, its aliases, and the ids of Bedrock and Vertex.

`claude` stands in the full names, in `us.anthropic.claude-...` and in `claude-...@...`; an application inference
profile is an ARN without it.
"""

GITHUB_LOGIN = StringRule(
    r"^[A-Za-z0-9]([-_]?[A-Za-z0-9])*$", "must be a GitHub login: letters, digits, single '-' and '_'", max_length=39
)
"""GitHub's logins have single inner hyphens (github.com/join); Enterprise Managed Users' end in `_shortcode`."""

GithubUser = Annotated[str, GITHUB_LOGIN]

GithubApp = Annotated[
    str,
    StringRule(
        r"^[A-Za-z0-9](-?[A-Za-z0-9])*$",
        "must be the GitHub App's name: letters, digits and single '-', such as Acme-Rex",
        max_length=60,
    ),
]

SecretName = Annotated[
    str, StringRule(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "must be the name of a Kubernetes Secret", max_length=253)
]

RESERVED_ENV = (
    r"^((ANTHROPIC|CLAUDE|OPENAI|CODEX|GIT|GH|GITHUB|LD|DYLD|ORCHESTRATOR|OTEL|SSH|NODE|NPM|PYTHON|BASH|XDG|MCP|POD|AGENT"
    r"|REHEARSAL|SSL|OPENSSL|CURL)_"
    r"|(BASH_?ENV|PATH|HOME|SHELL|USER|LOGNAME|ENV|IFS|PS4|TMPDIR|SHELLOPTS|BASHOPTS|CDPATH|GLOBIGNORE|PROMPT_COMMAND"
    r"|FUNCNEST|POSIXLY_CORRECT|EXECIGNORE|TMOUT|EDITOR|VISUAL|PAGER|LESSOPEN|LESSCLOSE|PERL5OPT|PERL5LIB|PERL5DB|PERLLIB"
    r"|RUBYOPT|RUBYLIB|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS|GCONV_PATH|GLIBC_TUNABLES|HOSTALIASES)$)"
)
"""Names through which an environment variable could change what runs, or where its credentials go.

They redirect the container's own script (bash(1), git(1), perlrun(1), ld.so(8)) or say whom its TLS trusts
(openssl-env(7), curl(1)). Python's are allowed, since the script starts it with -E; HTTP_PROXY and HTTPS_PROXY are,
since sites need them: what goes through a proxy is still encrypted, and the server's certificate checked.
"""

EnvName = Annotated[
    str,
    StringRule(
        r"^[A-Za-z_][A-Za-z0-9_]*$",
        "must be the name of an environment variable",
        (Forbidden(RESERVED_ENV, "is reserved: it could change what runs or which credentials are used"),),
        max_length=128,
    ),
]

TaskId = Annotated[
    int | str,
    IntOrStringRule(
        r"^([0-9]+[A-Za-z]|[0-9]+[A-Za-z._-][A-Za-z0-9._-]*[A-Za-z0-9]"
        r"|[A-Za-z][A-Za-z._-]*[0-9]|[A-Za-z][A-Za-z._-]*[0-9][A-Za-z0-9._-]*[A-Za-z0-9])$",
        "must be a Task Master id: a whole number from 1 (without quotes), or a text with a digit such as 1.2, HAM-1: "
        "at most 40 letters, digits and . _ -",
        max_length=40,
    ),
]

TaskTag = Annotated[
    str,
    StringRule(
        r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        "must be a Task Master tag: letters, digits and . _ -",
        max_length=100,
    ),
]

CpuAmount = Annotated[
    int | str,
    IntOrStringRule(
        r"^([1-9][0-9]{0,5}m|[1-9][0-9]{0,2}(\.[0-9]{1,3})?|0\.([1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))$",
        "must be an amount of CPU, such as 500m, 1.5 or 2",
        max_length=10,
        maximum=999,
    ),
]
"""CPUs of a container, as a number or in thousandths: a Kubernetes quantity, and never none."""

BytesAmount = Annotated[
    str,
    StringRule(
        r"^[1-9][0-9]{0,9}(Mi|Gi|Ti|M|G|T)$",
        "must be an amount of bytes with its unit, such as 512Mi or 8Gi",
        max_length=12,
    ),
]
"""Memory or storage of a container: a Kubernetes quantity of at least a megabyte."""

# Kubernetes keeps the name for Jobs made from it: code-<run>-<uid5>-<attempt> must fit a 63-character label.
RUN_NAME_LENGTH = 45

# A list of MCP tool names: letters, digits and what their names use; empty parts are refused.
ToolList = Annotated[
    str,
    StringRule(
        r"^[A-Za-z0-9_.:/*-]+( *, *[A-Za-z0-9_.:/*-]+)*$",
        "must be names of MCP tools separated by commas",
        max_length=2000,
    ),
]

# No NUL: neither an environment variable nor a file that a shell reads can hold one.
EnvValue = Annotated[str, StringRule(r"^[^\x00]*$", "must not have a NUL character", min_length=0, max_length=4096)]
Prompt = Annotated[str, StringRule(r"^[^\x00]*$", "must not have a NUL character", min_length=0, max_length=32_000)]

TaskTitle = Annotated[
    str,
    StringRule(r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$", "must be one line of text", max_length=256),
]

TaskUrl = Annotated[
    str,
    StringRule(
        r"^https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+$", "must be the http(s) address of a page", max_length=500
    ),
]

INT32 = 2_147_483_647
"""Largest value of most integer fields of Kubernetes."""
